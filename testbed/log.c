/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "loop.h"

#define TEXT 2048u
#define OFTEN_LINES 20u
#define OFTEN_NS 1000000000ull

/* Is standard error what leads to the journal? Somebody may have sent it elsewhere since. */
static bool leads_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

bool log_open(struct log *l, const char *format)
{
	*l = (struct log){.json = !strcmp(format, "json"),
			  .journal = leads_to_journal(),
			  .began = loop_now()};
	return l->json || !strcmp(format, "text");
}

/* ---- texts ---- */

/* The length of the UTF-8 sequence (RFC 3629) that s begins with; 0: it is none. */
static size_t utf8(const unsigned char *s)
{
	size_t n = s[0] < 0x80	 ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what is beyond U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* A text that can stand in a line and moves no cursor: what could not is a question mark. */
static const char *clean(char out[TEXT], const char *s)
{
	size_t n = 0;

	while (*s && n < TEXT - 4) {
		size_t len = utf8((const unsigned char *)s);
		bool control = (unsigned char)*s < 0x20 || *s == 0x7f ||
			       (len == 2 && (unsigned char)s[0] == 0xc2 &&
				(unsigned char)s[1] < 0xa0);

		if (!len || control)
			out[n++] = '?';
		else
			memcpy(out + n, s, len);
		n += len && !control ? len : 0;
		s += len ? len : 1;
	}
	out[n] = 0;
	return out;
}

static void put_time(char out[32])
{
	uint64_t ns = loop_wall();
	time_t s = (time_t)(ns / 1000000000u);
	struct tm tm;
	size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));

	snprintf(out + n, 32 - n, ".%03uZ", (unsigned)(ns / 1000000u % 1000u));
}

const char *log_level_name(int level)
{
	static const char *const name[] = {
		[LOG_ERR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice"};

	return level <= LOG_NOTICE && name[level] ? name[level] : "info";
}

/* From malloc; NULL: no memory. */
static char *json_line(const struct log *l, int level, const char *component, const char *event,
		       const struct log_field *f, const char *message)
{
	cJSON *o = cJSON_CreateObject();
	char text[TEXT];

	put_time(text);
	cJSON_AddStringToObject(o, "time", text);
	cJSON_AddStringToObject(o, "level", log_level_name(level));
	cJSON_AddStringToObject(o, "node", l->node);
	cJSON_AddStringToObject(o, "component", component);
	cJSON_AddStringToObject(o, "event", event);
	cJSON_AddStringToObject(o, "message", message);
	for (; f && f->name; f++) {
		if (f->text)
			cJSON_AddStringToObject(o, f->name, clean(text, f->text));
		else
			cJSON_AddNumberToObject(o, f->name, f->number);
	}
	char *line = cJSON_PrintUnformatted(o);

	cJSON_Delete(o);
	return line;
}

/* ---- lines ---- */

static void put(struct log *l, int level, const char *component, const char *event,
		const struct log_field *f, const char *fmt, va_list ap)
{
	char said[TEXT], message[TEXT], priority[8] = "";
	char *line = NULL;

	vsnprintf(said, sizeof(said), fmt, ap);
	clean(message, said);
	if (l->journal)
		snprintf(priority, sizeof(priority), "<%d>", level);
	if (l->json)
		line = json_line(l, level, component, event, f, message);
	fprintf(stderr, "%s%s%s\n", priority,
		l->json || l->journal ? "" : "amp router: ", line ? line : message);
	if (l->file && line)
		fprintf(l->file, "%s\n", line);
	else if (l->file)
		fprintf(l->file, "%8.3f %s\n", (double)(loop_now() - l->began) / 1e9, message);
	if (l->file)
		fflush(l->file);
	if (l->also)
		l->also(l->also_arg, level, message);
	cJSON_free(line);
}

void log_event(struct log *l, int level, const char *component, const char *event,
	       const struct log_field *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(l, level, component, event, f, fmt, ap);
	va_end(ap);
}

/* A bucket of lines, from which one drains each second. */
static bool may_say(struct log *l)
{
	uint64_t now = loop_now(), n = (now - l->since) / OFTEN_NS;

	l->since += n * OFTEN_NS;
	l->said -= n < l->said ? (uint32_t)n : l->said;
	if (l->said < OFTEN_LINES) {
		l->said++;
		return true;
	}
	l->left_out++;
	return false;
}

void log_often(struct log *l, int level, const char *component, const char *event,
	       const struct log_field *f, const char *fmt, ...)
{
	va_list ap;

	if (!may_say(l))
		return;
	if (l->left_out) {
		const struct log_field lines[] = {{"lines", NULL, l->left_out}, {0}};

		log_event(l, LOG_WARNING, "router", "left-out", lines,
			  "%u lines were left out here", l->left_out);
	}
	l->left_out = 0;
	va_start(ap, fmt);
	put(l, level, component, event, f, fmt, ap);
	va_end(ap);
}
