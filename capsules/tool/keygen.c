/* SPDX-License-Identifier: BSD-2-Clause */
/* keygen.c - `amp keygen`: a principal's key pair. */
#include "capsule/keys.h"
#include "capsule/tool.h"
#include "capsules/tool/common.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
	"Usage: amp keygen NAME [-d DIR] [--force] [--json]\n"
	"\n"
	"Makes an Ed25519 key pair: DIR/NAME.key (secret, for its owner only) and DIR/NAME.pub,\n"
	"and prints the line that makes it known to a node.\n"
	"\n"
	"  -d, --dir DIR   where to write the files (default: here)\n"
	"      --force     overwrite existing files; the old secret key is lost\n"
	"      --json      print JSON\n"
	"\n"
	"Example: amp keygen alice && amp sign --key alice.key ...\n";

static int report(const char *dir, const struct key_secret *secret, bool json)
{
	struct key_public pub;
	char hex[2 * KEY_PUBLIC + 1];
	cJSON *o;

	key_public_of(secret, &pub);
	key_hex(pub.key, KEY_PUBLIC, hex);
	if (!json) {
		fprintf(stderr, "Wrote %s/%s.key (secret) and %s/%s.pub\n", dir, pub.name, dir,
			pub.name);
		printf("principal %s %s\n", pub.name, hex);
		return TOOL_OK;
	}
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "name", pub.name);
	cJSON_AddStringToObject(o, "key", hex);
	return tool_json(o, TOOL_OK);
}

int tool_keygen(int argc, char **argv)
{
	static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
						{"force", no_argument, NULL, 'f'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	bool force = false, json = false;
	const char *dir = ".";
	struct key_secret secret;
	char err[KEY_ERROR];
	int c, r;

	optind = 0; /* verbs may have been parsed before in this process */
	while ((c = getopt_long(argc, argv, "d:fjh", options, NULL)) != -1) {
		switch (c) {
		case 'd': dir = optarg; break;
		case 'f': force = true; break;
		case 'j': json = true; break;
		case 'h': fputs(help, stdout); return TOOL_OK;
		default: return tool_misuse("keygen", "unknown or incomplete option");
		}
	}
	if (optind + 1 != argc)
		return tool_misuse("keygen", "give one name");
	if (!tool_ready("keygen"))
		return TOOL_FAILED;
	r = key_generate(argv[optind], &secret, err);
	if (r == 0)
		r = key_write(dir, &secret, force, err);
	r = r == 0 ? report(dir, &secret, json) : tool_error("keygen", "%s", err);
	key_wipe(&secret);
	return r;
}
