/* SPDX-License-Identifier: BSD-2-Clause */
/* capture_request.c - what a client may ask for. Everything is copied first, and the copy is checked. */
#include <string.h>

#include "capture.h"
#include "xok/dpf/dpf.h"

static const char *check_reasons(const struct capture_request *r)
{
	if (r->nreason > CAPTURE_REASONS)
		return "too many reasons";
	for (uint32_t i = 0; i < r->nreason; i++) {
		if (!memchr(r->reason[i].program, 0, sizeof(r->reason[i].program)))
			return "a handler's name has no end";
		if (r->reason[i].number > UINT16_MAX)
			return "no handler can give such a reason";
	}
	return NULL;
}

static const char *check_head(const struct capture_request *r, uint32_t nport)
{
	if (r->magic != CAPTURE_MAGIC)
		return "it is of another version: amp and xokd must be of one build";
	if (r->kind >= CAPTURE_KINDS)
		return "no such kind of capture";
	if (r->port != CAPTURE_ANY && r->port >= nport)
		return "no such port";
	if (!r->directions || (r->directions & ~(CAPTURE_IN | CAPTURE_OUT)))
		return "no such direction";
	if (r->kind == CAPTURE_TRACES && r->directions != CAPTURE_IN)
		return "packets are traced where they come in";
	if (r->fates >> CAPTURE_NFATE)
		return "no such fate";
	if (!r->fates && !r->nreason)
		return "no packet has none of the fates";
	if (!r->snap || r->snap > XOK_FRAME_MAX)
		return "no packet is that long";
	if (r->nfilter > CAPTURE_FILTERS)
		return "too many filters";
	if (r->pad)
		return "a field that must be zero is not";
	return check_reasons(r);
}

const char *capture_decode(struct capture_asked *to, const void *message, size_t len,
			   uint32_t nport)
{
	const size_t fixed = sizeof(to->head);
	const char *wrong;

	if (len < fixed)
		return "it is shorter than a request";
	memcpy(&to->head, message, fixed);
	wrong = check_head(&to->head, nport);
	if (wrong)
		return wrong;
	if (len - fixed != to->head.nfilter * sizeof(to->filter[0]))
		return "its length is not that of its filters";
	memcpy(to->filter, (const uint8_t *)message + fixed, len - fixed);
	for (uint32_t i = 0; i < to->head.nfilter; i++)
		if (to->filter[i].natoms > XOK_FILTER_ATOMS || dpf_check(&to->filter[i]))
			return "a filter is malformed";
	return NULL;
}
