/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c - out to the destination and back, writing one row at each active node on the way out: trace.h has the layout.
 * A payload that cannot grow by another row is marked as truncated; the capsule goes on and returns all the same.
 */
#include "capsule/trace.h"
#include "capsule/sdk.h"

static void append(struct capsule_ctx *ctx)
{
	struct trace_head *head = (struct trace_head *)(ctx->payload + TRACE_HEAD_OFFSET);
	uint32_t rows = head->rows;
	uint32_t at = TRACE_ROWS_OFFSET + rows * TRACE_ROW_LEN;
	struct trace_row *row;

	if (at + TRACE_ROW_LEN > ctx->payload_max ||
	    (at + TRACE_ROW_LEN > ctx->payload_len && capsule_resize(at + TRACE_ROW_LEN) < 0)) {
		head->flags |= TRACE_TRUNCATED;
		return;
	}
	row = (struct trace_row *)(ctx->payload + at);
	row->node = ctx->node;
	row->in_port = ctx->in_port;
	row->out_port = ctx->out_port;
	row->arrival = ctx->arrival;
	row->queue_len = ctx->queue_len;
	row->hops = ctx->hops;
	row->flags = ctx->flags;
	head->rows = rows + 1;
	row->spent = capsule_spent();
}

CAPSULE_ENTRY(trace)
{
	/* Without room for the head there is nothing to write to: the capsule was not made for this program. */
	if (ctx->payload_len < TRACE_ROWS_OFFSET)
		return CAPSULE_DROP;
	if (ctx->flags & CAPSULE_RETURNING)
		return ctx->flags & CAPSULE_AT_ORIGIN ? CAPSULE_DELIVER : CAPSULE_FORWARD;
	append(ctx);
	return ctx->flags & CAPSULE_AT_DESTINATION ? CAPSULE_RETURN : CAPSULE_FORWARD;
}
