/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.h - reading and writing the small texts of the testbed: numbers with units, addresses, names, files, tables.
 */
#ifndef TESTBED_TEXT_H
#define TESTBED_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Decimal digits only, nothing before or after: 0, or -1. */
int parse_u64(const char *s, uint64_t *out);

/* A decimal number, with a fraction if one likes, and one of the units; a bare 0 needs none. The list ends with a NULL name. */
struct parse_unit {
	const char *name;
	uint64_t factor;
};
int parse_quantity(const char *s, const struct parse_unit *units, uint64_t *out);

/* "10.0.1.1" and "10.0.1.1/24", numbers in host order; 0, or -1. */
int parse_addr(const char *s, uint32_t *addr);
int parse_prefix(const char *s, uint32_t *addr, uint32_t *plen);
uint32_t prefix_mask(uint32_t plen);
/* The same for IPv6, as bytes. */
int parse_prefix6(const char *s, uint8_t addr[16], uint32_t *plen);
/* The first plen bits of an address, the others 0. */
void prefix6(uint8_t out[16], const uint8_t addr[16], uint32_t plen);

/* A letter, then letters, digits, '-' or '_'. */
bool text_is_name(const char *s);

/* printf to the end of a string in a buffer of size; cuts what does not fit. */
__attribute__((format(printf, 3, 4))) void text_append(char *buf, size_t size, const char *fmt,
						       ...);

/* printf into a path buffer; false when it does not fit (the buffer then holds nothing usable). */
__attribute__((format(printf, 3, 4))) bool text_path(char *buf, size_t size, const char *fmt, ...);

/* A whole file and a zero behind it, to be freed; NULL with errno set (EFBIG: longer than max). */
char *text_file(const char *path, size_t max, size_t *len);
/* The same of a regular file only (else EINVAL, or EISDIR): nobody is waited for. */
char *text_file_at_once(const char *path, size_t max, size_t *len);

/* Writes a file by way of a temporary one, so that a reader sees all of it or none. 0, or -1 with errno. */
int text_write(const char *path, const void *buf, size_t len);

/* The ending of a noun: "1 link", "2 links". */
const char *plural(double n);

/*
 * Tables for people: columns as wide as their widest cell, two spaces between them, no blanks at a line's end. Cells that look like numbers are set right.
 */
#define TABLE_COLUMNS 16u
struct table {
	uint32_t ncol, nrow;
	char **cell; /* of the rows that are not printed yet, TABLE_COLUMNS each; the first of all is the heading */
	int width[TABLE_COLUMNS];
	bool right[TABLE_COLUMNS], begun;
};
/* The headings, separated by '|'. */
void table_init(struct table *t, const char *headings);
/* A row: the cells, separated by '\t'. */
__attribute__((format(printf, 2, 3))) void table_row(struct table *t, const char *fmt, ...);
/* Prints what has been added since; columns keep the widths that they have then, as far as cells fit. */
void table_flush(struct table *t, FILE *out);
/* Prints it and gives its memory back. */
void table_print(struct table *t, FILE *out);

#endif
