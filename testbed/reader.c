/* SPDX-License-Identifier: BSD-2-Clause */
#include "reader.h"

#include <stdarg.h>
#include <string.h>

#include "text.h"

int reader_bad(struct reader *r, const yaml_node_t *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->err->text, sizeof(r->err->text), fmt, ap);
	va_end(ap);
	r->err->line = at ? at->start_mark.line + 1 : 0;
	r->err->column = at ? at->start_mark.column + 1 : 0;
	return -1;
}

static const char *kind_name(const yaml_node_t *n)
{
	switch (n->type) {
	case YAML_SCALAR_NODE: return "a plain value";
	case YAML_SEQUENCE_NODE: return "a list";
	case YAML_MAPPING_NODE: return "a mapping";
	default: return "nothing";
	}
}

const char *reader_scalar(struct reader *r, const yaml_node_t *n, const char *what)
{
	if (n->type != YAML_SCALAR_NODE) {
		reader_bad(r, n, "%s must be a plain value, not %s", what, kind_name(n));
		return NULL;
	}
	const char *s = (const char *)n->data.scalar.value;
	if (strlen(s) != n->data.scalar.length) {
		reader_bad(r, n, "%s has a NUL byte in it: remove it", what);
		return NULL;
	}
	return s;
}

int reader_number(struct reader *r, const yaml_node_t *n, const char *what, uint64_t min,
		  uint64_t max, uint64_t *out)
{
	const char *s = reader_scalar(r, n, what);

	if (!s)
		return -1;
	if (parse_u64(s, out) || *out < min || *out > max)
		return reader_bad(r, n, "%s is '%.40s': give a whole number from %llu to %llu",
				  what, s, (unsigned long long)min, (unsigned long long)max);
	return 0;
}

/* ---- mappings by table ---- */

int reader_pairs(struct reader *r, const yaml_node_t *map, const char *what,
		 int (*fn)(struct reader *r, const yaml_node_t *key, const yaml_node_t *value,
			   void *arg),
		 void *arg)
{
	if (map->type != YAML_MAPPING_NODE)
		return reader_bad(r, map, "%s must be a mapping, not %s", what, kind_name(map));
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
	     p++) {
		yaml_node_t *k = yaml_document_get_node(r->doc, p->key);
		yaml_node_t *v = yaml_document_get_node(r->doc, p->value);

		if (fn(r, k, v, arg))
			return -1;
	}
	return 0;
}

int reader_items(struct reader *r, const yaml_node_t *list, const char *what,
		 int (*fn)(struct reader *r, const yaml_node_t *item, void *arg), void *arg)
{
	if (list->type != YAML_SEQUENCE_NODE)
		return reader_bad(r, list, "%s must be a list, not %s", what, kind_name(list));
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top; i++)
		if (fn(r, yaml_document_get_node(r->doc, *i), arg))
			return -1;
	return 0;
}

const yaml_node_t *reader_value(struct reader *r, const yaml_node_t *map, const char *key)
{
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *k = yaml_document_get_node(r->doc, p->key);

		if (k->type == YAML_SCALAR_NODE && !strcmp((const char *)k->data.scalar.value, key))
			return yaml_document_get_node(r->doc, p->value);
	}
	return NULL;
}

struct keyed {
	const struct reader_key *keys;
	uint32_t nkeys, seen;
	const char *what;
	void *arg;
};

static int one_key(struct reader *r, const yaml_node_t *key, const yaml_node_t *value, void *arg)
{
	struct keyed *m = arg;
	const char *name = reader_scalar(r, key, "a key");
	char known[256] = "";

	if (!name)
		return -1;
	for (uint32_t i = 0; i < m->nkeys; i++) {
		if (strcmp(name, m->keys[i].name)) {
			text_append(known, sizeof(known), "%s%s", i ? ", " : "", m->keys[i].name);
			continue;
		}
		if (m->seen & (1u << i))
			return reader_bad(r, key, "'%s' stands twice in %s: remove one", name,
					  m->what);
		m->seen |= 1u << i;
		return m->keys[i].fn(r, value, m->arg);
	}
	return reader_bad(r, key, "unknown key '%.40s' in %s: it has %s", name, m->what, known);
}

int reader_map(struct reader *r, const yaml_node_t *map, const char *what,
	       const struct reader_key *keys, uint32_t nkeys, void *arg)
{
	struct keyed m = {keys, nkeys, 0, what, arg};

	if (reader_pairs(r, map, what, one_key, &m))
		return -1;
	for (uint32_t i = 0; i < nkeys; i++)
		if (keys[i].required && !(m.seen & (1u << i)))
			return reader_bad(r, map, "%s lacks '%s': add it", what, keys[i].name);
	return 0;
}

int reader_name(struct reader *r, const yaml_node_t *n, const char *what, char *out, size_t size)
{
	const char *s = reader_scalar(r, n, what);

	if (!s)
		return -1;
	if (!text_is_name(s) || strlen(s) >= size)
		return reader_bad(
			r, n,
			"%s is '%.40s': use 1 to %zu letters, digits, '-' or '_', a letter first",
			what, s, size - 1);
	strcpy(out, s);
	return 0;
}

int reader_quantity(struct reader *r, const yaml_node_t *v, const char *what,
		    const struct parse_unit *units, uint64_t max, const char *form, uint64_t *out)
{
	const char *s = reader_scalar(r, v, what);

	if (!s)
		return -1;
	if (parse_quantity(s, units, out) || *out > max)
		return reader_bad(r, v, "%s is '%.40s': %s", what, s, form);
	return 0;
}
