/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who may call what: the table that the rights are compared with. */

#define ADMIN_GID  991
#define READER_GID 992
#define OTHER_GID  1000

/* Who calls. */
enum who { ROOT, ADMIN, READER, STRANGER, PEOPLE };

/* "RArs": who may, in the order of enum who; '-' may not. */
static const struct {
	const char *method;
	const char *with_read_group;
	const char *without_read_group;
} rights[] = {
	{ "GetStatus", "RAr-", "RArs" },     { "ListPFs", "RAr-", "RArs" },
	{ "ListVFs", "RAr-", "RArs" },	     { "GetVF", "RAr-", "RArs" },
	{ "ListNics", "RAr-", "RArs" },	     { "GetNic", "RAr-", "RArs" },
	{ "Claim", "RA--", "RA--" },	     { "Release", "RA--", "RA--" },
	{ "AddNic", "RA--", "RA--" },	     { "RemoveNic", "RA--", "RA--" },
	{ "StartDomain", "RA--", "RA--" },   { "WatchJob", "RAr-", "RArs" },
	{ "Explain", "RAr-", "RArs" },	     { "CheckConfig", "RAr-", "RArs" },
	{ "Reload", "RA--", "RA--" },	     { "Watch", "RAr-", "RArs" },
	{ "DomainHook", "R---", "R---" },    { "CheckLedger", "RAr-", "RArs" },
	{ "RebuildLedger", "RA--", "RA--" }, { "Demote", "RA--", "RA--" },
	{ "Drain", "RA--", "RA--" },	     { "Undrain", "RA--", "RA--" },
	{ "Resize", "RA--", "RA--" },	     { "ScrubVF", "RA--", "RA--" },
};
