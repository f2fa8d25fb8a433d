/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovctl/ctl.h"

/*
 * How things of the API look. Members that are null or not there are NULL, 0 and false.
 */
const char *ctl_str(const json_t *json, const char *key);
json_int_t ctl_int(const json_t *json, const char *key);
bool ctl_bool(const json_t *json, const char *key);
bool ctl_is(const json_t *json, const char *key, const char *text);

/* All strings returned are the caller's. */
char *ctl_nic_name(const json_t *nic);		   /* "web1/net0" */
char *ctl_nic_backing(const json_t *nic);	   /* "VF enp1s0/3", "virtio on br0", "none" */
char *ctl_pf_name(const json_t *pf);		   /* netdev, or the address without one */
char *ctl_vf_owner(const json_t *vf);		   /* "web1/net0"; NULL: none */
char *ctl_speed(json_int_t mbits);		   /* "10 Gbit/s"; NULL for 0 */
char *ctl_duration(json_int_t seconds);		   /* "45s", "12m", "3h05m", "2d4h" */
char *ctl_since(struct ctl *ctl, json_int_t then); /* how long ago, as a duration; NULL for 0 */
char *ctl_time(json_int_t time);		   /* local time, "2026-11-23 14:02:11" */

/* How much attention a state wants. */
enum ctl_style ctl_nic_style(const json_t *nic);
enum ctl_style ctl_backing_style(const json_t *nic);
enum ctl_style ctl_vf_style(const json_t *vf);
enum ctl_style ctl_pf_style(const json_t *pf);
/* Its state, in which one that is ready can be drained all the same. */
const char *ctl_pf_state(const json_t *pf);
enum ctl_style ctl_link_style(const json_t *pf);

/* Tables of lists of the API. */
/* brief: without what is not for a glance */
void ctl_show_pfs(struct ctl *ctl, const json_t *pfs, bool brief);
void ctl_show_vfs(struct ctl *ctl, const json_t *vfs);
void ctl_show_nics(struct ctl *ctl, const json_t *nics, bool brief);

/* Said of an owner: a domain that has none, or somebody whom sriovd does not know. */
#define CTL_NO_NICS "sriovd knows no nic of it"

/* All that is known of a nic, as names and values. */
void ctl_show_nic(struct ctl *ctl, const json_t *nic);
void ctl_show_vf(struct ctl *ctl, const json_t *vf);
/* Of a PF or VF: its PCIe errors. */
void ctl_error_fields(struct ctl_table *table, const json_t *json);

/* A list of Problem, errors first; returns how many of them are errors. */
size_t ctl_show_problems(struct ctl *ctl, const json_t *problems);
/* As they stand in the files: by file, line and column; those without a place last. */
void ctl_show_problems_by_place(struct ctl *ctl, const json_t *problems);
size_t ctl_count_errors(const json_t *problems);

/*
 * Shows the "problems" of a reply, which is taken, as print does, or the reply as JSON.
 *
 * Returns 0, or the exit code of failed when one of them is an error and no warning
 */
int ctl_show_check(struct ctl *ctl, json_t *reply,
		   void (*print)(struct ctl *ctl, const json_t *problems),
		   enum sriov_error_code failed);
/* "2 errors, 1 warning", or NULL without any. */
char *ctl_count_problems(const json_t *problems);
