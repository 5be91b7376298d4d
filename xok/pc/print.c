/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * print.c - the kernel's own few lines on console 0: the banner and panics.
 */
#include "pc.h"

static void put(const char *s, size_t n)
{
	serial_write(NULL, 0, s, n);
}

static void put_number(uint64_t v, unsigned base, bool negative, unsigned width, char fill)
{
	char buf[24];
	unsigned n = sizeof(buf);

	do {
		buf[--n] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	if (negative)
		buf[--n] = '-';
	for (unsigned have = sizeof(buf) - n; have < width; have++)
		put(&fill, 1);
	put(buf + n, sizeof(buf) - n);
}

void kvprintf(const char *fmt, va_list ap)
{
	while (*fmt != '\0') {
		const char *start = fmt;
		unsigned width = 0;
		bool wide = false;
		char fill = ' ';

		while (*fmt != '\0' && *fmt != '%')
			fmt++;
		put(start, (size_t)(fmt - start));
		if (*fmt == '\0')
			return;
		fmt++;
		if (*fmt == '0')
			fill = *fmt++;
		while (*fmt >= '0' && *fmt <= '9')
			width = width * 10 + (unsigned)(*fmt++ - '0');
		while (*fmt == 'l') {
			wide = true;
			fmt++;
		}
		switch (*fmt++) {
		case 's': {
			const char *s = va_arg(ap, const char *);

			put(s, strlen(s));
			break;
		}
		case 'c': {
			char c = (char)va_arg(ap, int);

			put(&c, 1);
			break;
		}
		case 'd': {
			int64_t v = wide ? va_arg(ap, long) : va_arg(ap, int);

			put_number(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0, width, fill);
			break;
		}
		case 'u':
			put_number(wide ? va_arg(ap, unsigned long) : va_arg(ap, unsigned), 10,
				   false, width, fill);
			break;
		case 'x':
			put_number(wide ? va_arg(ap, unsigned long) : va_arg(ap, unsigned), 16,
				   false, width, fill);
			break;
		default: put("%", 1); break;
		}
	}
}

void kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
}
