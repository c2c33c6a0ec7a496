/*
 * May a batch of the memory engine be applied? Operations see what the earlier ones of their
 * batch will have done, so each question is put to those first, newest first, then to the
 * shelf.
 */
#include "store/memory_shelf.h"

#include <errno.h>

static bool wipes(const struct store_op *op, const struct store_decl *decl)
{
	return op->kind == OP_DELETE_OWNER || op->kind == OP_DELETE_DOMAIN ||
	       (op->kind == OP_DEL_ALL && op->decl == decl);
}

static bool is_of_same_owner(const struct store_op *a, const struct store_op *b)
{
	return a->is_others == b->is_others && a->is_servers == b->is_servers;
}

static bool exists(const struct memory *memory, const struct store_batch *batch,
		   const struct store_op *question)
{
	const struct shelf *shelf = shelf_find(
		memory_owner_find(memory, store_op_owner(batch, question)), question->decl);
	bool answer = shelf_item_find(shelf, question->key) != NULL;

	for (const struct store_op *op = batch->first; op != question; op = op->next) {
		bool is_same =
			op->decl == question->decl && bytes_equal(op->key, question->key);

		if (!is_of_same_owner(op, question))
			continue;
		if (wipes(op, question->decl) || (is_same && op->kind == OP_DEL))
			answer = false;
		else if (is_same && (op->kind == OP_PUT || op->kind == OP_PUT_NEW))
			answer = true;
	}
	return answer;
}

static uint64_t last_n(const struct memory *memory, const struct store_batch *batch,
		       const struct store_op *question)
{
	const struct shelf *shelf = shelf_find(
		memory_owner_find(memory, store_op_owner(batch, question)), question->decl);
	const struct shelf_item *item = shelf_item_find(shelf, question->entry->conversation);
	struct log_conversation record = { 0 };

	if (item)
		memcpy(&record, item->value.ptr, sizeof(record));
	for (const struct store_op *op = batch->first; op != question; op = op->next) {
		if (!is_of_same_owner(op, question))
			continue;
		if (wipes(op, question->decl))
			record.last_n = 0;
		else if (op->kind == OP_CONVERSATION && op->decl == question->decl &&
			 bytes_equal(op->conversation->name, question->entry->conversation))
			record.last_n = op->conversation->last_n;
	}
	return record.last_n;
}

static bool has_entry(const struct store_op *op)
{
	return op->kind == OP_APPEND || op->kind == OP_AMEND || op->kind == OP_IMPORT;
}

int memory_check(const struct memory *memory, const struct store_batch *batch)
{
	for (const struct store_op *op = batch->first; op; op = op->next) {
		if (op->value.len > STORE_VALUE_BYTES_MAX)
			return -EMSGSIZE;
		if (op->kind == OP_PUT_NEW && exists(memory, batch, op))
			return -EEXIST;
		if (has_entry(op) && op->entry->bytes.len > STORE_VALUE_BYTES_MAX)
			return -EMSGSIZE;
		if (op->kind == OP_APPEND && op->entry->n != last_n(memory, batch, op) + 1)
			return -ESTALE;
	}
	return 0;
}
