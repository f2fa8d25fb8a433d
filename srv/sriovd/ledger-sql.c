// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/ledger-sql.h"

#include <errno.h>
#include <string.h>

#include "srv/sriovd/ledger-row.h"

/* To values */

static struct srv_sql_value text_value(const char *text)
{
	return (struct srv_sql_value){ .text = text, .is_null = text == NULL };
}

static struct srv_sql_value integer_value(int64_t integer)
{
	return (struct srv_sql_value){ .integer = integer };
}

bool srv_sql_is_text(const char *text)
{
	return text && g_utf8_validate(text, -1, NULL);
}

static bool is_text_or_null(const char *text)
{
	return !text || srv_sql_is_text(text);
}

/* What is never written is never read: the same questions are asked both ways. */
static const char *nic_problem(const struct srv_nic_row *row)
{
	if (!srv_sql_is_text(row->owner.key) || !srv_sql_is_text(row->owner.name))
		return "has no owner";
	if (!srv_sql_is_text(row->id))
		return "has no id";
	if (!srv_sql_is_text(row->network))
		return "has no network";
	if (!is_text_or_null(row->uplink) || !is_text_or_null(row->reason) ||
	    !is_text_or_null(row->decision))
		return "has a text that is not UTF-8";
	if (!srv_owner_kind_name(row->owner.kind) || !srv_nic_state_name(row->state) ||
	    !srv_backing_name(row->backing) || (unsigned int)row->mode > SRV_MODE_FAILOVER)
		return "has an unknown kind, mode, state or backing";
	return NULL;
}

const char *srv_sql_nic_values(const struct srv_nic_row *row, struct srv_sql_nic_values *ret)
{
	struct srv_sql_value *at = ret->at;
	const char *problem = nic_problem(row);
	bool vf = row->backing == SRV_BACKING_VF;

	if (problem)
		return problem;
	at[SRV_SQL_NIC_KIND] = text_value(srv_owner_kind_name(row->owner.kind));
	at[SRV_SQL_NIC_KEY] = text_value(row->owner.key);
	at[SRV_SQL_NIC_ID] = text_value(row->id);
	at[SRV_SQL_NIC_NAME] = text_value(row->owner.name);
	at[SRV_SQL_NIC_NETWORK] = text_value(row->network);
	at[SRV_SQL_NIC_MODE] = text_value(srv_mode_name(row->mode));
	at[SRV_SQL_NIC_MAC] = text_value(sriov_mac_format(row->mac, ret->mac));
	at[SRV_SQL_NIC_PRIORITY] = integer_value(row->priority);
	at[SRV_SQL_NIC_STATE] = text_value(srv_nic_state_name(row->state));
	at[SRV_SQL_NIC_BACKING] = text_value(srv_backing_name(row->backing));
	at[SRV_SQL_NIC_VF_PF] = text_value(vf ? sriov_bdf_format(row->vf.pf, ret->pf) : NULL);
	at[SRV_SQL_NIC_VF_INDEX] = vf ? integer_value(row->vf.index) : text_value(NULL);
	at[SRV_SQL_NIC_UPLINK] = text_value(row->uplink);
	at[SRV_SQL_NIC_REASON] = text_value(row->reason);
	at[SRV_SQL_NIC_DECISION] = text_value(row->decision);
	at[SRV_SQL_NIC_SINCE] = integer_value(row->since);
	at[SRV_SQL_NIC_WAITING_SINCE] = integer_value(row->waiting_since);
	at[SRV_SQL_NIC_WAITING_PLACE] = integer_value(row->waiting_place);
	at[SRV_SQL_NIC_NEGOTIATED] = integer_value(row->negotiated);
	return NULL;
}

const char *srv_sql_vf_values(const struct srv_vf_row *row, struct srv_sql_vf_values *ret)
{
	if (!srv_vf_mark_name(row->mark))
		return "has an unknown mark";
	if (!is_text_or_null(row->reason))
		return "has a reason that is not UTF-8";
	ret->at[SRV_SQL_VF_PF] = text_value(sriov_bdf_format(row->ref.pf, ret->pf));
	ret->at[SRV_SQL_VF_INDEX] = integer_value(row->ref.index);
	ret->at[SRV_SQL_VF_MARK] = text_value(srv_vf_mark_name(row->mark));
	ret->at[SRV_SQL_VF_REASON] = text_value(row->reason);
	return NULL;
}

char *srv_sql_shown(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text ? text : "NULL", -1);
	GString *shown = g_string_new(NULL);

	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		g_string_append_unichar(shown, g_unichar_isprint(c) ? c : '?');
	}
	return g_string_free(shown, FALSE);
}

void srv_sql_pf_values(const struct srv_pf_row *row, struct srv_sql_pf_values *ret)
{
	ret->at[SRV_SQL_PF_PF] = text_value(sriov_bdf_format(row->pf, ret->pf));
	ret->at[SRV_SQL_PF_VENDOR] = integer_value(row->vendor);
	ret->at[SRV_SQL_PF_DEVICE] = integer_value(row->device);
	ret->at[SRV_SQL_PF_DRAINED] = integer_value(row->drained);
	ret->at[SRV_SQL_PF_RESIZING] = integer_value(row->resizing);
	ret->at[SRV_SQL_PF_FORCED] = integer_value(row->forced);
	ret->at[SRV_SQL_PF_WANT_VFS] = integer_value(row->want_vfs);
	ret->at[SRV_SQL_PF_NETDEVS] = text_value(srv_sql_is_text(row->netdevs) ? row->netdevs : "");
}

void srv_sql_bind(sqlite3_stmt *stmt, const struct srv_sql_value *values, int n)
{
	for (int i = 0; i < n; i++) {
		if (values[i].text)
			sqlite3_bind_text(stmt, i + 1, values[i].text, -1, SQLITE_STATIC);
		else if (values[i].is_null)
			sqlite3_bind_null(stmt, i + 1);
		else
			sqlite3_bind_int64(stmt, i + 1, values[i].integer);
	}
}

/* From columns */

const char *srv_sql_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text && strlen(text) == (size_t)sqlite3_column_bytes(stmt, column) ? text : NULL;
}

static bool read_u32(sqlite3_stmt *stmt, int column, uint32_t *ret)
{
	int64_t value = sqlite3_column_int64(stmt, column);

	if (sqlite3_column_type(stmt, column) != SQLITE_INTEGER || value < 0 || value > UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool read_u16(sqlite3_stmt *stmt, int column, uint16_t *ret)
{
	uint32_t value;

	if (!read_u32(stmt, column, &value) || value > UINT16_MAX)
		return false;
	*ret = (uint16_t)value;
	return true;
}

static bool read_bool(sqlite3_stmt *stmt, int column, bool *ret)
{
	uint32_t value;

	if (!read_u32(stmt, column, &value) || value > 1)
		return false;
	*ret = value;
	return true;
}

static bool read_mode(const char *text, enum srv_mode *ret)
{
	return text && srv_mode_parse(text, ret) == 0;
}

static bool read_mac(const char *text, struct sriov_mac *ret)
{
	return text && sriov_mac_parse(text, ret) == 0;
}

static bool read_ref(sqlite3_stmt *stmt, int pf, int index, struct srv_vf_ref *ret)
{
	const char *text = srv_sql_text(stmt, pf);

	return text && sriov_bdf_parse(text, &ret->pf) == 0 && read_u32(stmt, index, &ret->index);
}

static char *unknown(const char *what, const char *text)
{
	g_autofree char *shown = srv_sql_shown(text);

	return g_strdup_printf("has an unknown %s \"%s\"", what, shown);
}

/* The columns that are words of ours or numbers. */
static char *read_nic_words(sqlite3_stmt *stmt, struct srv_nic_row *row)
{
	const char *kind = srv_sql_text(stmt, SRV_SQL_NIC_KIND);
	const char *mode = srv_sql_text(stmt, SRV_SQL_NIC_MODE);
	const char *state = srv_sql_text(stmt, SRV_SQL_NIC_STATE);
	const char *backing = srv_sql_text(stmt, SRV_SQL_NIC_BACKING);

	if (srv_owner_kind_parse(kind, &row->owner.kind) < 0)
		return unknown("kind of owner", kind);
	if (!read_mode(mode, &row->mode))
		return unknown("mode", mode);
	if (srv_nic_state_parse(state, &row->state) < 0)
		return unknown("state", state);
	if (srv_backing_parse(backing, &row->backing) < 0)
		return unknown("backing", backing);
	if (!read_mac(srv_sql_text(stmt, SRV_SQL_NIC_MAC), &row->mac))
		return g_strdup("has a malformed MAC");
	if (!read_u32(stmt, SRV_SQL_NIC_PRIORITY, &row->priority))
		return g_strdup("has a priority out of range");
	if (row->backing == SRV_BACKING_VF &&
	    !read_ref(stmt, SRV_SQL_NIC_VF_PF, SRV_SQL_NIC_VF_INDEX, &row->vf))
		return g_strdup("has a malformed VF");
	row->since = sqlite3_column_int64(stmt, SRV_SQL_NIC_SINCE);
	if (!read_bool(stmt, SRV_SQL_NIC_NEGOTIATED, &row->negotiated))
		return g_strdup("has a number out of range");
	row->waiting_since = sqlite3_column_int64(stmt, SRV_SQL_NIC_WAITING_SINCE);
	row->waiting_place = sqlite3_column_int64(stmt, SRV_SQL_NIC_WAITING_PLACE);
	return NULL;
}

char *srv_sql_read_nic(sqlite3_stmt *stmt, struct srv_nic_row **ret)
{
	struct srv_nic_row *row = g_new0(struct srv_nic_row, 1);
	char *problem = read_nic_words(stmt, row);

	row->owner.key = g_strdup(srv_sql_text(stmt, SRV_SQL_NIC_KEY));
	row->owner.name = g_strdup(srv_sql_text(stmt, SRV_SQL_NIC_NAME));
	row->id = g_strdup(srv_sql_text(stmt, SRV_SQL_NIC_ID));
	row->network = g_strdup(srv_sql_text(stmt, SRV_SQL_NIC_NETWORK));
	row->uplink = g_strdup(srv_sql_text(stmt, SRV_SQL_NIC_UPLINK));
	row->reason = g_strdup(srv_sql_text(stmt, SRV_SQL_NIC_REASON));
	row->decision = g_strdup(srv_sql_text(stmt, SRV_SQL_NIC_DECISION));
	if (!problem)
		problem = g_strdup(nic_problem(row));
	if (problem)
		srv_nic_row_free(row);
	else
		*ret = row;
	return problem;
}

char *srv_sql_read_vf(sqlite3_stmt *stmt, struct srv_vf_row **ret)
{
	const char *mark = srv_sql_text(stmt, SRV_SQL_VF_MARK);
	const char *reason = srv_sql_text(stmt, SRV_SQL_VF_REASON);
	struct srv_vf_row row = { 0 };

	if (!read_ref(stmt, SRV_SQL_VF_PF, SRV_SQL_VF_INDEX, &row.ref))
		return g_strdup("has a malformed address");
	if (srv_vf_mark_parse(mark, &row.mark) < 0)
		return unknown("mark", mark);
	if (!is_text_or_null(reason))
		return g_strdup("has a reason that is not UTF-8");
	row.reason = (char *)reason;
	*ret = srv_vf_row_copy(&row);
	return NULL;
}

char *srv_sql_read_pf(sqlite3_stmt *stmt, struct srv_pf_row *ret)
{
	const char *pf = srv_sql_text(stmt, SRV_SQL_PF_PF);
	const char *netdevs = srv_sql_text(stmt, SRV_SQL_PF_NETDEVS);

	if (!pf || sriov_bdf_parse(pf, &ret->pf) < 0)
		return g_strdup("has a malformed address");
	if (!read_u16(stmt, SRV_SQL_PF_VENDOR, &ret->vendor) ||
	    !read_u16(stmt, SRV_SQL_PF_DEVICE, &ret->device) ||
	    !read_bool(stmt, SRV_SQL_PF_DRAINED, &ret->drained) ||
	    !read_bool(stmt, SRV_SQL_PF_RESIZING, &ret->resizing) ||
	    !read_bool(stmt, SRV_SQL_PF_FORCED, &ret->forced) ||
	    !read_u32(stmt, SRV_SQL_PF_WANT_VFS, &ret->want_vfs))
		return g_strdup("has a number out of range");
	if (!srv_sql_is_text(netdevs) ||
	    g_strlcpy(ret->netdevs, netdevs, sizeof(ret->netdevs)) >= sizeof(ret->netdevs))
		return g_strdup("has malformed names");
	return NULL;
}

/* SQLite's errors */

static int errno_of(sqlite3 *handle, int rc)
{
	int system = handle ? sqlite3_system_errno(handle) : 0;

	switch (rc & 0xff) { /* SQLite's primary code */
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_READONLY:
		return EROFS;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EBADMSG;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		return system ? system : EIO;
	default:
		return EIO;
	}
}

/* In words of ours, and what to do; of what an operator can do something about. */
static const char *explain(int errnum, const char **ret_advice)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		*ret_advice = "free some space on it";
		return "its file system is full";
	case EBUSY:
		*ret_advice = "end that one";
		return "another program has the file open for writing";
	case EROFS:
	case EACCES:
	case EPERM:
		*ret_advice = "make the state directory writable for sriovd";
		return "the file may not be written";
	case ENOMEM:
		*ret_advice = "see what uses it";
		return "there is not enough memory";
	case EBADMSG:
		*ret_advice = "see \"sriovctl ledger check\" and \"sriovctl ledger rebuild\"";
		return "the file is damaged";
	default:
		*ret_advice = "see the kernel's messages about the disk it is on";
		return NULL;
	}
}

char *srv_sql_says(sqlite3 *handle, int rc)
{
	g_autofree char *message = srv_sql_shown(handle && sqlite3_errcode(handle) != SQLITE_OK
							 ? sqlite3_errmsg(handle)
							 : sqlite3_errstr(rc));

	return g_strconcat(SRV_SQL_SAYS, message, "]", NULL);
}

int srv_sql_error(sqlite3 *handle, int rc, const char *path, const char *what,
		  struct sriov_error **err)
{
	int errnum = errno_of(handle, rc);
	g_autofree char *says = srv_sql_says(handle, rc);
	const char *advice, *why = explain(errnum, &advice);

	return sriov_error_set(err, SRIOV_ERROR_LEDGER, errnum, path, "cannot %s: %s; %s%s", what,
			       why ?: g_strerror(errnum), advice, says);
}

int srv_sql_exec(sqlite3 *handle, const char *sql, const char *path, const char *what,
		 struct sriov_error **err)
{
	int rc = sqlite3_exec(handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : srv_sql_error(handle, rc, path, what, err);
}

int srv_sql_integer(sqlite3 *handle, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}
