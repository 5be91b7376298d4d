/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader.h - walking a YAML document: values of the kind that is wanted, mappings by a table of their keys, and for whatever is
 * wrong the line and column where it stands. Functions return 0, or -1 with the error filled in.
 */
#ifndef TESTBED_READER_H
#define TESTBED_READER_H

#include <yaml.h>

#include "text.h"
#include "topology.h"

struct reader {
	struct topo *t;
	yaml_document_t *doc;
	struct topo_error *err;
	/* Parts that refer to others are kept until all of the file is known. */
	const yaml_node_t *topology, *nodes, *links, *principals, *allow;
};

/* Notes what is wrong at a node of the document; NULL: nowhere in particular. Returns -1. */
__attribute__((format(printf, 3, 4))) int reader_bad(struct reader *r, const yaml_node_t *at,
						     const char *fmt, ...);

/* The text of a plain value without NUL bytes inside, or NULL with the error set. */
const char *reader_scalar(struct reader *r, const yaml_node_t *n, const char *what);

int reader_number(struct reader *r, const yaml_node_t *n, const char *what, uint64_t min,
		  uint64_t max, uint64_t *out);

/* A number with a unit; `form` tells how it is written. */
int reader_quantity(struct reader *r, const yaml_node_t *v, const char *what,
		    const struct parse_unit *units, uint64_t max, const char *form, uint64_t *out);

/* A name of ours: it goes into file names, sockets and the nodes' command language. */
int reader_name(struct reader *r, const yaml_node_t *n, const char *what, char *out, size_t size);

/* Calls fn for each pair of a mapping, or each item of a list, until one returns other than 0. */
int reader_pairs(struct reader *r, const yaml_node_t *map, const char *what,
		 int (*fn)(struct reader *r, const yaml_node_t *key, const yaml_node_t *value,
			   void *arg),
		 void *arg);
int reader_items(struct reader *r, const yaml_node_t *list, const char *what,
		 int (*fn)(struct reader *r, const yaml_node_t *item, void *arg), void *arg);

/* The value of a key in a mapping; NULL: it is not there. */
const yaml_node_t *reader_value(struct reader *r, const yaml_node_t *map, const char *key);

/* A mapping with known keys only, none of them twice, the required ones there. At most 32 keys. */
struct reader_key {
	const char *name;
	int (*fn)(struct reader *r, const yaml_node_t *value, void *arg);
	bool required;
};
int reader_map(struct reader *r, const yaml_node_t *map, const char *what,
	       const struct reader_key *keys, uint32_t nkeys, void *arg);

/* topology_nodes.c: adds one pair of the mapping of nodes to the topology `arg`. */
int topology_node(struct reader *r, const yaml_node_t *key, const yaml_node_t *value, void *arg);

#endif
