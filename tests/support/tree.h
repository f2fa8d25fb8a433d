/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * File trees that look like a host's sys/ and dev/, in a temporary directory (TMPDIR, /dev/shm):
 * expanded from a description in tests/fixtures/hosts/, or generated. Whatever goes wrong here ends
 * the program.
 *
 * A description has one entry in a line, paths relative to the root, directories made as needed:
 *
 *	d PATH			a directory
 *	f PATH CONTENT		a file with one line; "\n" in it starts another
 *	l PATH TARGET		a symbolic link
 *	b PATH SIZE AT=HEX...	a binary file: zeros, with bytes at hexadecimal offsets
 *	for FIRST LAST		the lines from here to "done", once for each i
 *
 * In a loop {i} and {i+N} stand for decimal numbers, and {bdf HEX+S*i} for the "bb:dd.f" of routing
 * ID HEX + S * i.
 */

/* A new, empty root; the caller removes it with tree_remove(). */
char *tree_new(void);

/* A new root with what a description says, e.g. "tests/fixtures/hosts/igb.tree". */
char *tree_expand(const char *file);

/* Removes the root with all below it, and frees the string. */
void tree_remove(char *root);

/* Replaces a file or a link, makes a directory, removes an entry. A newline is added to content. */
void tree_file(const char *root, const char *path, const char *content);
void tree_link(const char *root, const char *path, const char *target);
void tree_dir(const char *root, const char *path);
void tree_delete(const char *root, const char *path);

/* A generated PF and its VFs. */
struct tree_pf {
	uint32_t domain;
	uint8_t bus;	/* of the PF, at BB:00.0; VFs follow on this and the next bus */
	uint32_t total; /* sriov_totalvfs */
	uint32_t num;	/* sriov_numvfs */
	const char *netdev;
	uint32_t ifindex;
	const char *vf_driver; /* or NULL; VFs on anything but vfio get netdevs "NETDEVvI" */
	uint32_t first_group;  /* IOMMU group of the PF; VF i is in the (i + 1)th after it */
	bool config;	       /* a readable configuration space with the SR-IOV capability */
};
void tree_add_pf(const char *root, const struct tree_pf *pf);

/* total VFs on as many PFs of 250 as it takes, beside 100 other functions. */
char *tree_generate(uint32_t total, const char *vf_driver);
