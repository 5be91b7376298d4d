/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int parse_u64(const char *s, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || v > (UINT64_MAX - (uint64_t)(*s - '0')) / 10)
			return -1;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	*out = v;
	return 0;
}

/* Digits of the fraction below the factor's resolution are refused rather than rounded away. */
int parse_quantity(const char *s, const struct parse_unit *units, uint64_t *out)
{
	uint64_t whole = 0, frac = 0, scale = 1;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (whole > 1000000000000ull)
			return -1;
		whole = whole * 10 + (uint64_t)(*p - '0');
	}
	if (p == s)
		return -1;
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++) {
			if (scale >= 1000000000ull)
				return -1;
			frac = frac * 10 + (uint64_t)(*p - '0');
			scale *= 10;
		}
		if (scale == 1)
			return -1;
	}
	if (!*p && whole == 0 && frac == 0) {
		*out = 0;
		return 0;
	}
	for (; units->name; units++) {
		if (strcmp(p, units->name))
			continue;
		if (frac * units->factor % scale || whole > UINT64_MAX / 2 / units->factor)
			return -1;
		*out = whole * units->factor + frac * units->factor / scale;
		return 0;
	}
	return -1;
}

int parse_addr(const char *s, uint32_t *addr)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t byte = 0, digits = 0;

		for (; *s >= '0' && *s <= '9' && digits < 4; s++, digits++)
			byte = byte * 10 + (uint32_t)(*s - '0');
		if (!digits || byte > 255 || *s != (i < 3 ? '.' : 0))
			return -1;
		s += i < 3;
		v = v << 8 | byte;
	}
	*addr = v;
	return 0;
}

int parse_prefix(const char *s, uint32_t *addr, uint32_t *plen)
{
	const char *slash = strchr(s, '/');
	char host[16];
	uint64_t n;

	if (!slash || (size_t)(slash - s) >= sizeof(host))
		return -1;
	memcpy(host, s, (size_t)(slash - s));
	host[slash - s] = 0;
	if (parse_addr(host, addr) || parse_u64(slash + 1, &n) || n > 32)
		return -1;
	*plen = (uint32_t)n;
	return 0;
}

uint32_t prefix_mask(uint32_t plen)
{
	return plen ? UINT32_MAX << (32 - plen) : 0;
}

int parse_prefix6(const char *s, uint8_t addr[16], uint32_t *plen)
{
	const char *slash = strchr(s, '/');
	char host[INET6_ADDRSTRLEN];
	uint64_t n;

	if (!slash || (size_t)(slash - s) >= sizeof(host))
		return -1;
	memcpy(host, s, (size_t)(slash - s));
	host[slash - s] = 0;
	if (inet_pton(AF_INET6, host, addr) != 1 || parse_u64(slash + 1, &n) || n > 128)
		return -1;
	*plen = (uint32_t)n;
	return 0;
}

void prefix6(uint8_t out[16], const uint8_t addr[16], uint32_t plen)
{
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t bits = plen > i * 8 ? plen - i * 8 : 0;

		out[i] = (uint8_t)(addr[i] & 0xff00 >> (bits < 8 ? bits : 8));
	}
}

bool text_is_name(const char *s)
{
	if (!isascii(*s) || !isalpha((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!isascii(*s) || (!isalnum((unsigned char)*s) && *s != '-' && *s != '_'))
			return false;
	return true;
}

void text_append(char *buf, size_t size, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + used, size - used, fmt, ap);
	va_end(ap);
}

bool text_path(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n >= 0 && (size_t)n < size;
}

/* The whole of a file, which is closed; NULL may stand for it. */
static char *read_whole(FILE *f, bool regular, size_t max, size_t *len)
{
	struct stat st = {0};
	char *buf = NULL;

	if (!f)
		return NULL;
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
		errno = EISDIR;
	else if (regular && !S_ISREG(st.st_mode))
		errno = EINVAL;
	else
		buf = malloc(max + 2);
	if (buf) {
		*len = fread(buf, 1, max + 1, f);
		buf[*len] = 0;
		if (ferror(f) || *len > max) {
			errno = ferror(f) ? EIO : EFBIG;
			free(buf);
			buf = NULL;
		}
	}
	int saved = errno;
	fclose(f);
	errno = saved;
	return buf;
}

char *text_file(const char *path, size_t max, size_t *len)
{
	return read_whole(fopen(path, "re"), false, max, len);
}

char *text_file_at_once(const char *path, size_t max, size_t *len)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? NULL : read_whole(fdopen(fd, "r"), true, max, len);
}

int text_write(const char *path, const void *buf, size_t len)
{
	char tmp[4096];

	if (!text_path(tmp, sizeof(tmp), "%s.new", path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	FILE *f = fopen(tmp, "we");
	if (!f)
		return -1;
	bool good = fwrite(buf, 1, len, f) == len;
	good = fclose(f) == 0 && good;
	if (good && rename(tmp, path) == 0)
		return 0;
	int saved = errno;
	unlink(tmp);
	errno = saved;
	return -1;
}

const char *plural(double n)
{
	return n == 1 ? "" : "s";
}

/* ---- tables ---- */

static void table_cells(struct table *t, char *line, char separator, bool heading)
{
	t->cell = realloc(t->cell, (t->nrow + 1) * TABLE_COLUMNS * sizeof(*t->cell));
	if (!t->cell)
		abort();
	for (uint32_t i = 0; i < TABLE_COLUMNS; i++) {
		char *end = line ? strchr(line, separator) : NULL;

		if (end)
			*end = 0;
		t->cell[t->nrow * TABLE_COLUMNS + i] = line ? strdup(line) : NULL;
		if (line && heading)
			t->ncol = i + 1;
		line = end ? end + 1 : NULL;
	}
	t->nrow++;
}

void table_init(struct table *t, const char *headings)
{
	char line[512];

	memset(t, 0, sizeof(*t));
	snprintf(line, sizeof(line), "%s", headings);
	table_cells(t, line, '|', true);
}

void table_row(struct table *t, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	table_cells(t, line, '\t', false);
}

static bool numeric(const char *s)
{
	return s && (isdigit((unsigned char)s[0]) ||
		     ((s[0] == '-' || s[0] == '+') && isdigit((unsigned char)s[1])));
}

/* How many cells of a row are printed: those behind the last one that holds something are not. */
static uint32_t used_columns(const struct table *t, uint32_t row)
{
	uint32_t n = t->ncol;

	while (n &&
	       (!t->cell[row * TABLE_COLUMNS + n - 1] || !*t->cell[row * TABLE_COLUMNS + n - 1]))
		n--;
	return n;
}

static const char *cell_at(const struct table *t, uint32_t row, uint32_t column)
{
	const char *s = t->cell[row * TABLE_COLUMNS + column];

	return s ? s : "";
}

/* Columns are as wide as the widest cell so far; those whose first cell below the heading is a number are set right. */
static void measure(struct table *t)
{
	for (uint32_t r = 0; r < t->nrow; r++)
		for (uint32_t c = 0; c < t->ncol; c++) {
			int len = (int)strlen(cell_at(t, r, c));

			t->width[c] = len > t->width[c] ? len : t->width[c];
		}
	for (uint32_t c = 0; !t->begun && t->nrow > 1 && c < t->ncol; c++)
		t->right[c] = numeric(cell_at(t, 1, c));
	t->begun = t->begun || t->nrow > 1;
}

void table_flush(struct table *t, FILE *out)
{
	measure(t);
	for (uint32_t r = 0; r < t->nrow; r++) {
		uint32_t used = used_columns(t, r);

		if (!used)
			fputc('\n', out);
		for (uint32_t c = 0; c < used; c++) {
			bool last = c + 1 == used;

			fprintf(out, "%*s%s",
				t->right[c] ? t->width[c]
				: last	    ? 0
					    : -t->width[c],
				cell_at(t, r, c), last ? "\n" : "  ");
		}
	}
	for (uint32_t i = 0; i < t->nrow * TABLE_COLUMNS; i++)
		free(t->cell[i]);
	t->nrow = 0;
}

void table_print(struct table *t, FILE *out)
{
	table_flush(t, out);
	free(t->cell);
	memset(t, 0, sizeof(*t));
}
