#include "store/sqlite_log.h"

#include <errno.h>

static uint32_t store_id(const struct sqlite_conn *conn, const struct store_decl *decl)
{
	uint32_t id = conn->engine->store_ids[decl->index];

	check(id > 0);
	return id;
}

static sqlite3_stmt *bind_item(struct sqlite_conn *conn, enum sql which, struct bytes owner,
			       const struct store_op *op)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, which);

	if (!statement)
		return NULL;
	sqlite_bind(statement, 1, owner);
	sqlite3_bind_int64(statement, 2, store_id(conn, op->decl));
	sqlite_bind(statement, 3, op->key);
	return statement;
}

static int put(struct sqlite_conn *conn, enum sql which, struct bytes owner,
	       const struct store_op *op)
{
	sqlite3_stmt *statement;

	if (op->value.len > STORE_VALUE_BYTES_MAX)
		return -EMSGSIZE;
	statement = bind_item(conn, which, owner, op);
	if (statement)
		sqlite_bind(statement, 4, op->value);
	return sqlite_run(conn, statement);
}

static int del(struct sqlite_conn *conn, enum sql which, struct bytes owner,
	       const struct store_op *op)
{
	return sqlite_run(conn, bind_item(conn, which, owner, op));
}

static int delete_range(struct sqlite_conn *conn)
{
	static const enum sql both[] = { SQL_DELETE_RANGE, SQL_BLOB_DELETE_RANGE };

	for (size_t i = 0; i < array_len(both); i++) {
		sqlite3_stmt *statement = sqlite_conn_get(conn, both[i]);
		int status;

		if (statement) {
			sqlite_bind(statement, 1, buf_bytes(&conn->low));
			sqlite_bind(statement, 2, buf_bytes(&conn->high));
		}
		status = sqlite_run(conn, statement);
		if (status < 0)
			return status;
	}
	return 0;
}

static int run_with_number(struct sqlite_conn *conn, enum sql which, uint64_t number)
{
	sqlite3_stmt *statement = sqlite_conn_get(conn, which);

	if (statement)
		sqlite3_bind_int64(statement, 1, (int64_t)number);
	return sqlite_run(conn, statement);
}

static int blob_put(struct sqlite_conn *conn, struct bytes owner, const struct store_op *op)
{
	sqlite3_stmt *statement = bind_item(conn, SQL_BLOB_PUT, owner, op);
	struct blob_head head;

	memcpy(&head, op->value.ptr, sizeof(head));
	if (statement) {
		sqlite3_bind_int64(statement, 4, (int64_t)op->file->number);
		sqlite3_bind_int64(statement, 5, (int64_t)head.size_bytes);
		sqlite3_bind_int64(statement, 6, (int64_t)head.expires_ms);
		sqlite_bind(statement, 7, bytes_skip(op->value, sizeof(head)));
	}
	return sqlite_run(conn, statement);
}

static bool is_blob(const struct store_op *op)
{
	return op->decl->shape == STORE_BLOB;
}

static int apply_op(struct sqlite_conn *conn, struct bytes owner_name, struct bytes owner,
		    const struct store_op *op)
{
	switch (op->kind) {
	case OP_PUT:
		return put(conn, SQL_PUT, owner, op);
	case OP_PUT_NEW:
		return put(conn, SQL_PUT_NEW, owner, op);
	case OP_DEL:
		return del(conn, is_blob(op) ? SQL_BLOB_DEL : SQL_DEL, owner, op);
	case OP_DEL_ALL:
		return del(conn, is_blob(op) ? SQL_BLOB_DEL_ALL : SQL_DEL_ALL, owner, op);
	case OP_DELETE_OWNER:
		sqlite_owner_range(conn, owner_name);
		return delete_range(conn);
	case OP_DELETE_DOMAIN:
		sqlite_domain_range(conn, op->key);
		return delete_range(conn);
	case OP_BLOB_PUT:
		return blob_put(conn, owner, op);
	case OP_BLOB_EXPIRE:
		return run_with_number(conn, SQL_BLOB_EXPIRE, op->number);
	case OP_BLOB_SWEPT:
		return run_with_number(conn, SQL_BLOB_SWEPT, op->number);
	case OP_APPEND:
	case OP_CONVERSATION:
	case OP_AMEND:
	case OP_TRIM:
	case OP_IMPORT:
	case OP_LOG_EXPIRE:
		return 0; /* sqlite_log_apply */
	}
	return -EINVAL;
}

static bool may_free_blobs(const struct store_op *op)
{
	return op->kind >= OP_BLOB_PUT || op->kind == OP_DELETE_OWNER ||
	       op->kind == OP_DELETE_DOMAIN || (op->decl && is_blob(op));
}

int sqlite_apply(struct sqlite_conn *conn, const struct store_batch *batch,
		 bool *ret_may_free_blobs)
{
	struct bytes name = BYTES_NONE, owner = BYTES_NONE;
	int status = 0;

	for (const struct store_op *op = batch->first; op && status == 0; op = op->next) {
		if (store_op_owner(batch, op).ptr != name.ptr) {
			name = store_op_owner(batch, op);
			owner = sqlite_owner_key(&conn->owner, name);
		}
		status = apply_op(conn, name, owner, op);
		*ret_may_free_blobs |= may_free_blobs(op);
	}
	return status == 0 ? sqlite_log_apply(conn, batch) : status;
}
