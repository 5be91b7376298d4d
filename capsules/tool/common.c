/* SPDX-License-Identifier: BSD-2-Clause */
/* common.c - what the verbs share. */
#include "capsules/tool/common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void message(const char *verb, const char *format, va_list ap)
{
	fprintf(stderr, "amp %s: ", verb);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
}

int tool_error(const char *verb, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	message(verb, format, ap);
	va_end(ap);
	return TOOL_FAILED;
}

int tool_misuse(const char *verb, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	message(verb, format, ap);
	va_end(ap);
	fprintf(stderr, "try: amp %s --help\n", verb);
	return TOOL_USAGE;
}

bool tool_ready(const char *verb)
{
	if (sodium_init() >= 0)
		return true;
	tool_error(verb, "libsodium cannot start: no source of randomness");
	return false;
}

static uint8_t *read_open(const char *verb, const char *path, FILE *file, size_t *len)
{
	uint8_t *bytes;
	struct stat st;

	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode)) {
		tool_error(verb, "%s: not a regular file", path);
		return NULL;
	}
	if ((uint64_t)st.st_size > TOOL_FILE_MAX) {
		tool_error(verb, "%s: larger than 16 MiB", path);
		return NULL;
	}
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes) {
		tool_error(verb, "%s: out of memory", path);
		return NULL;
	}
	*len = fread(bytes, 1, (size_t)st.st_size, file);
	if (*len != (size_t)st.st_size) {
		tool_error(verb, "%s: cannot read it: %s", path, strerror(errno));
		free(bytes);
		return NULL;
	}
	return bytes;
}

uint8_t *tool_read(const char *verb, const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes;

	if (!file) {
		tool_error(verb, "%s: cannot open it: %s", path, strerror(errno));
		return NULL;
	}
	bytes = read_open(verb, path, file, len);
	fclose(file);
	return bytes;
}

static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

bool tool_write(const char *verb, const char *path, const uint8_t *bytes, size_t len)
{
	char temp[PATH_MAX];
	mode_t mask;
	bool ok;
	int fd;

	if (strcmp(path, "-") == 0) {
		if (write_all(STDOUT_FILENO, bytes, len))
			return true;
		tool_error(verb, "cannot write to standard output: %s", strerror(errno));
		return false;
	}
	if ((size_t)snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= sizeof(temp)) {
		tool_error(verb, "%.200s: the path is too long", path);
		return false;
	}
	fd = mkstemp(temp);
	if (fd < 0) {
		tool_error(verb, "%s: cannot create it: %s", path, strerror(errno));
		return false;
	}
	mask = umask(0);
	umask(mask);
	ok = write_all(fd, bytes, len) && fchmod(fd, 0666 & ~mask) == 0;
	ok = close(fd) == 0 && ok && rename(temp, path) == 0;
	if (!ok) {
		tool_error(verb, "%s: cannot write it: %s", path, strerror(errno));
		unlink(temp);
	}
	return ok;
}

bool tool_number(const char *text, uint64_t max, uint64_t *value)
{
	unsigned long long v;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
	if (errno != 0 || *end != 0 || v > max)
		return false;
	*value = v;
	return true;
}

bool tool_address(const char *text, uint8_t out[16])
{
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	return inet_pton(AF_INET, text, out + 12) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

void tool_address_text(const uint8_t a[16], char out[TOOL_ADDRESS_TEXT])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool is4 = memcmp(a, mapped, sizeof(mapped)) == 0;

	if (!inet_ntop(is4 ? AF_INET : AF_INET6, is4 ? a + 12 : a, out, TOOL_ADDRESS_TEXT))
		out[0] = 0;
}

void tool_time_text(uint64_t seconds, char out[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	/* 253402300799 is the last second of the year 9999. */
	if (seconds > 253402300799ull || !gmtime_r(&t, &tm) ||
	    strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(out, 32, "%llu", (unsigned long long)seconds);
}

uint64_t tool_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

bool tool_stem(const char *path, const char *suffix, char *out, size_t size)
{
	const char *base = strrchr(path, '/');
	size_t n, tail = strlen(suffix);

	base = base ? base + 1 : path;
	n = strlen(base);
	if (n > tail && strcmp(base + n - tail, suffix) == 0)
		n -= tail;
	if (n == 0 || n >= size)
		return false;
	memcpy(out, base, n);
	out[n] = 0;
	return true;
}

int tool_json(cJSON *object, int status)
{
	char *text = object ? cJSON_Print(object) : NULL;

	cJSON_Delete(object);
	if (!text)
		return TOOL_FAILED;
	puts(text);
	cJSON_free(text);
	return status;
}

void tool_json_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t len)
{
	char *hex = malloc(2 * len + 1);

	if (!hex)
		return;
	sodium_bin2hex(hex, 2 * len + 1, bytes, len);
	cJSON_AddStringToObject(object, name, hex);
	free(hex);
}

void tool_json_u64(cJSON *object, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	cJSON_AddStringToObject(object, name, text);
}

bool tool_verify_module(const uint8_t *bytes, size_t len, struct tool_verdict *v)
{
	size_t scratch_len;
	void *scratch;

	memset(v, 0, sizeof(*v));
	v->parsed = module_parse(bytes, len, &v->module);
	if (v->parsed != MODULE_OK)
		return false;
	if (!module_prog(&v->module, &v->prog))
		abort(); /* the caller's memory is aligned, and the format keeps that */
	scratch_len = vc_scratch_size(v->prog.ninsn);
	scratch = malloc(scratch_len);
	if (!scratch)
		abort();
	vc_verify(&v->prog, scratch, scratch_len, &v->report);
	free(scratch);
	return v->report.reason == VC_FINE;
}
