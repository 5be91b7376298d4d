/* SPDX-License-Identifier: BSD-2-Clause */
/* keys.c - key files: one line of text each, secret ones for their owner only. */
#include "capsule/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEED_LEN 32u
#define SECRET_WORD "amp-secret-key "
#define PUBLIC_WORD "amp-public-key "
#define WORD_LEN (sizeof(SECRET_WORD) - 1)
#define LINE_MAX_LEN (WORD_LEN + 64 + 1 + KEY_NAME + 1)

_Static_assert(sizeof(SECRET_WORD) == sizeof(PUBLIC_WORD), "both words have one length");

__attribute__((format(printf, 3, 4))) static int fail(char err[KEY_ERROR], int code,
						      const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(err, KEY_ERROR, format, ap);
	va_end(ap);
	return -code;
}

void key_hex(const uint8_t *bytes, size_t len, char *out)
{
	sodium_bin2hex(out, 2 * len + 1, bytes, len);
}

bool key_unhex(const char *text, size_t text_len, uint8_t *out, size_t len)
{
	const char *end;
	size_t n;

	return text_len == 2 * len &&
	       sodium_hex2bin(out, len, text, text_len, NULL, &n, &end) == 0 && n == len &&
	       end == text + text_len;
}

static bool letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool key_name_ok(const char *name)
{
	size_t n = strnlen(name, KEY_NAME + 1);

	/* Names become file names: no path separators, no leading '.' or '-'. */
	if (n == 0 || n > KEY_NAME || !letter_or_digit(name[0]))
		return false;
	for (size_t i = 1; i < n; i++) {
		if (!letter_or_digit(name[i]) && !strchr("._-", name[i]))
			return false;
	}
	return true;
}

static int set_name(const char *name, struct key_secret *secret, char err[KEY_ERROR])
{
	memset(secret, 0, sizeof(*secret));
	if (!key_name_ok(name))
		return fail(err, EINVAL,
			    "key name '%.40s': use 1 to %u letters, digits, '.', '_' or '-', "
			    "beginning with a letter or digit",
			    name, KEY_NAME);
	memcpy(secret->name, name, strlen(name));
	return 0;
}

int key_generate(const char *name, struct key_secret *secret, char err[KEY_ERROR])
{
	uint8_t pub[KEY_PUBLIC];
	int r = set_name(name, secret, err);

	if (r == 0)
		crypto_sign_keypair(pub, secret->key);
	return r;
}

int key_from_seed(const char *name, const uint8_t seed[32], struct key_secret *secret,
		  char err[KEY_ERROR])
{
	uint8_t pub[KEY_PUBLIC];
	int r = set_name(name, secret, err);

	if (r == 0)
		crypto_sign_seed_keypair(pub, secret->key, seed);
	return r;
}

void key_public_of(const struct key_secret *secret, struct key_public *pub)
{
	memcpy(pub->key, secret->key + SEED_LEN, KEY_PUBLIC);
	memcpy(pub->name, secret->name, sizeof(pub->name));
}

void key_wipe(struct key_secret *secret)
{
	sodium_memzero(secret, sizeof(*secret));
}

/* The line of either file. Its only buffer is the caller's, so that he can wipe it. */
static size_t format_line(const char *word, const uint8_t key[32], const char *name,
			  char line[LINE_MAX_LEN + 1])
{
	size_t n = WORD_LEN;

	memcpy(line, word, WORD_LEN);
	key_hex(key, 32, line + n);
	n += 64;
	line[n++] = ' ';
	memcpy(line + n, name, strlen(name));
	n += strlen(name);
	line[n++] = '\n';
	line[n] = 0;
	return n;
}

static bool parse_line(const char *text, size_t len, const char *word, uint8_t key[32],
		       char name[KEY_NAME + 1])
{
	size_t name_len;

	if (len < WORD_LEN + 64 + 3 || len > LINE_MAX_LEN || memcmp(text, word, WORD_LEN) != 0)
		return false;
	if (text[len - 1] != '\n' || text[WORD_LEN + 64] != ' ')
		return false;
	name_len = len - WORD_LEN - 64 - 2;
	memset(name, 0, KEY_NAME + 1);
	memcpy(name, text + WORD_LEN + 64 + 1, name_len);
	/* A zero inside would cut the name short. */
	if (strlen(name) != name_len || !key_name_ok(name))
		return false;
	return key_unhex(text + WORD_LEN, 64, key, 32);
}

bool key_parse_public(const char *text, size_t len, struct key_public *pub)
{
	return parse_line(text, len, PUBLIC_WORD, pub->key, pub->name);
}

/* Writes and names a new file in one step: complete under its name, or not there. */
static int write_file(const char *path, const char *line, size_t len, mode_t mode, bool force,
		      char err[KEY_ERROR])
{
	char temp[PATH_MAX];
	int fd, r = 0;

	if ((size_t)snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= sizeof(temp))
		return fail(err, ENAMETOOLONG, "%.200s: the path is too long", path);
	fd = mkstemp(temp); /* mode 0600 from the first moment */
	if (fd < 0)
		return fail(err, errno, "%s: cannot create it: %s", path, strerror(errno));
	if (write(fd, line, len) != (ssize_t)len || fchmod(fd, mode) != 0 || fsync(fd) != 0)
		r = fail(err, EIO, "%s: cannot write it: %s", path, strerror(errno));
	close(fd);
	/* link refuses to replace a file, rename replaces it. */
	if (r == 0 && (force ? rename(temp, path) : link(temp, path)) != 0) {
		int e = errno;

		r = e == EEXIST ? fail(err, e,
				       "%s exists: a key that is overwritten is lost; choose "
				       "another name or use --force",
				       path)
				: fail(err, e, "%s: cannot create it: %s", path, strerror(e));
	}
	if (r != 0 || !force)
		unlink(temp);
	return r;
}

int key_write(const char *dir, const struct key_secret *secret, bool force, char err[KEY_ERROR])
{
	char key_path[PATH_MAX], pub_path[PATH_MAX];
	char line[LINE_MAX_LEN + 1];
	struct key_public pub;
	struct stat st;
	size_t n;
	int r;

	if ((size_t)snprintf(key_path, sizeof(key_path), "%s/%s.key", dir, secret->name) >=
		    sizeof(key_path) ||
	    (size_t)snprintf(pub_path, sizeof(pub_path), "%s/%s.pub", dir, secret->name) >=
		    sizeof(pub_path))
		return fail(err, ENAMETOOLONG, "%.200s: the path is too long", dir);
	/* Both names are asked for first, so that a public key in the way leaves no secret one behind. */
	if (!force && lstat(pub_path, &st) == 0)
		return fail(err, EEXIST, "%s exists: choose another name or use --force", pub_path);
	n = format_line(SECRET_WORD, secret->key, secret->name, line);
	r = write_file(key_path, line, n, 0600, force, err);
	sodium_memzero(line, sizeof(line));
	if (r != 0)
		return r;
	key_public_of(secret, &pub);
	n = format_line(PUBLIC_WORD, pub.key, pub.name, line);
	r = write_file(pub_path, line, n, 0644, force, err);
	if (r != 0 && !force)
		unlink(key_path);
	return r;
}

/* Reads at most one line and one octet more, so that a longer file is seen to be one. */
static int read_line(int fd, const char *path, char line[LINE_MAX_LEN + 1], size_t *len,
		     char err[KEY_ERROR])
{
	*len = 0;
	while (*len < LINE_MAX_LEN + 1) {
		ssize_t n = read(fd, line + *len, LINE_MAX_LEN + 1 - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, errno, "%s: cannot read it: %s", path, strerror(errno));
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return 0;
}

/* Public keys are readable by all: the mode is not what is wrong with one that is given as a secret key. */
static bool ends_in_pub(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && strcmp(path + n - 4, ".pub") == 0;
}

static int open_key(const char *path, bool is_secret, char err[KEY_ERROR])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return fail(err, errno, "%s: cannot open it: %s", path, strerror(errno));
	/* Asked of the open file, not of the name: nobody can exchange it in between. */
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		r = fail(err, EACCES, "%s: not a regular file", path);
	else if (is_secret && (st.st_mode & 077) != 0 && ends_in_pub(path))
		r = fail(err, EACCES, "%s: a public key; give the secret one, NAME.key", path);
	else if (is_secret && (st.st_mode & 077) != 0)
		r = fail(err, EACCES,
			 "%s: others can use this secret key (mode %04o); run: chmod 600 %s", path,
			 (unsigned)st.st_mode & 07777, path);
	if (r != 0) {
		close(fd);
		return r;
	}
	return fd;
}

int key_read_secret(const char *path, struct key_secret *secret, char err[KEY_ERROR])
{
	char line[LINE_MAX_LEN + 1];
	uint8_t seed[SEED_LEN], pub[KEY_PUBLIC];
	size_t len = 0;
	int fd = open_key(path, true, err);
	int r;

	if (fd < 0)
		return fd;
	memset(secret, 0, sizeof(*secret));
	r = read_line(fd, path, line, &len, err);
	close(fd);
	if (r == 0 && !parse_line(line, len, SECRET_WORD, seed, secret->name))
		r = fail(err, EINVAL, "%s: not a secret key file (one line: %sHEX NAME)", path,
			 SECRET_WORD);
	if (r == 0)
		crypto_sign_seed_keypair(pub, secret->key, seed);
	else
		key_wipe(secret);
	sodium_memzero(line, sizeof(line));
	sodium_memzero(seed, sizeof(seed));
	return r;
}

int key_read_public(const char *path, struct key_public *pub, char err[KEY_ERROR])
{
	char line[LINE_MAX_LEN + 1];
	size_t len = 0;
	int fd = open_key(path, false, err);
	int r;

	if (fd < 0)
		return fd;
	r = read_line(fd, path, line, &len, err);
	close(fd);
	if (r == 0 && !key_parse_public(line, len, pub))
		r = fail(err, EINVAL, "%s: not a public key file (one line: %sHEX NAME)", path,
			 PUBLIC_WORD);
	/* A secret key given where a public one is meant may be in memory now. */
	sodium_memzero(line, sizeof(line));
	return r;
}
