/* SPDX-License-Identifier: BSD-2-Clause */
/* test_options.c - xokd's command line: what is read, and that each refusal names the option and says how to write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "xok/linux/options.h"

static struct options o;
static char said[8192]; /* on standard error and standard output */

/* `words` is cut at blanks. */
static int read_line(const char *words)
{
	static char text[4096];
	char *argv[128] = {"xokd"};
	int argc = 1, pipes[2][2];

	strcpy(text, words);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	FILE *f = tmpfile();

	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		pipes[i][0] = dup(i + 1);
		dup2(fileno(f), i + 1);
	}
	int rc = options_read(&o, argc, argv);

	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		dup2(pipes[i][0], i + 1);
		close(pipes[i][0]);
	}
	memset(said, 0, sizeof(said));
	rewind(f);
	size_t n = fread(said, 1, sizeof(said) - 1, f);
	fclose(f);
	said[n] = 0;
	return rc;
}

static void good(const char *words)
{
	char line[4096];

	snprintf(line, sizeof(line), "--programs /p %s", words);
	if (read_line(line))
		fail_msg("%s: %s", words, said);
	assert_string_equal(said, "");
}

/* Refused, and the message contains each of two texts. */
static void bad(const char *words, const char *a, const char *b)
{
	char line[4096];

	snprintf(line, sizeof(line), "--programs /p %s", words);
	assert_int_equal(read_line(line), -1);
	if (strncmp(said, "xokd: ", 6) != 0 || !strstr(said, a) || !strstr(said, b))
		fail_msg("%s: wants \"%s\" and \"%s\", says %s", words, a, b, said);
}

static void test_defaults(void **state)
{
	(void)state;
	good("");
	assert_string_equal(o.name, "xokd");
	assert_int_equal(o.memory_mb, 256);
	assert_int_equal(o.nlcore, 1);
	assert_int_equal(o.nport, 0);
	assert_false(o.hugepages || o.netlink || o.unconfined || o.hitless);
	assert_int_equal(read_line("--name x"), -1);
	assert_non_null(strstr(said, "--programs DIR"));
}

static void test_all_options(void **state)
{
	(void)state;
	good("--name r1 --memory=64 --boot node.conf=/etc/n --boot k=/k --console0 /c0 "
	     "--console1=/c1 --run /r "
	     "--netlink --code 2048 --hugepages --unconfined --hitless --eal=--log-level=debug "
	     "--eal -v");
	assert_string_equal(o.name, "r1");
	assert_string_equal(o.programs, "/p");
	assert_int_equal(o.memory_mb, 64);
	assert_int_equal(o.nboot, 2);
	assert_string_equal(o.boot[0].name, "node.conf");
	assert_string_equal(o.boot[0].path, "/etc/n");
	assert_string_equal(o.console[0], "/c0");
	assert_string_equal(o.console[1], "/c1");
	assert_string_equal(o.run_dir, "/r");
	assert_int_equal(o.code_kb, 2048);
	assert_true(o.hugepages && o.netlink && o.unconfined && o.hitless);
	assert_int_equal(o.neal, 2);
	assert_string_equal(o.eal[0], "--log-level=debug");
	assert_string_equal(o.eal[1], "-v");
}

static void test_help_and_version(void **state)
{
	(void)state;
	assert_int_equal(read_line("--help"), 1);
	assert_non_null(strstr(said, "--port NAME=DEVICE"));
	assert_non_null(strstr(said, "unix:LOCAL;REMOTE"));
	assert_int_equal(read_line("--version"), 1);
	assert_int_equal(strncmp(said, "xokd ", 5), 0);
}

static void test_refusals(void **state)
{
	(void)state;
	bad("--prot x", "\"--prot\"", "--help");
	bad("x", "\"x\"", "--help");
	bad("--name", "--name needs a value", "--name NAME");
	bad("--name=", "--name needs a value", "--name NAME");
	bad("--name a/b", "--name a/b", "letters");
	bad("--netlink=yes", "--netlink", "no value");
	bad("--memory 15", "--memory 15", "16");
	bad("--memory 65537", "--memory", "65536");
	bad("--memory 1x", "--memory 1x", "MiB");
	bad("--memory -1", "--memory -1", "MiB");
	bad("--code k", "--code k", "KiB");
	bad("--boot f", "--boot f", "NAME=FILE");
	bad("--boot f=", "--boot f=", "NAME=FILE");
	bad("--boot a/b=f", "--boot", "NAME=FILE");
	bad("--boot a=f --boot a=g", "--boot a=g", "already");
}

static void test_lcores(void **state)
{
	(void)state;
	good("--lcores 0");
	assert_int_equal(o.nlcore, 1);
	assert_int_equal(o.lcore[0], 0);
	bad("--lcores 0,0", "--lcores 0,0", "twice");
	bad("--lcores 1000", "--lcores 1000", "no processor 1000");
	bad("--lcores 99999", "--lcores 99999", "1,3-5");
	bad("--lcores a", "--lcores a", "1,3-5");
	bad("--lcores 1-", "--lcores 1-", "1,3-5");
	bad("--lcores 2-1", "--lcores 2-1", "1,3-5");
	bad("--lcores 0,", "--lcores 0,", "missing");
	bad("--lcores -1", "--lcores -1", "1,3-5");
}

static void test_port_parts(void **state)
{
	(void)state;
	good("--port lan=unix:/l;/r,mirror,mac=02:00:00:0a:0b:0c,mtu=1280,queues=2 --port "
	     "w=tun:w0,mirror=w1");
	assert_int_equal(o.nport, 2);
	assert_string_equal(o.port[0].name, "lan");
	assert_string_equal(o.port[0].mirror, "lan");
	assert_memory_equal(o.port[0].mac, "\x02\0\0\x0a\x0b\x0c", 6);
	assert_int_equal(o.port[0].mtu, 1280);
	assert_int_equal(o.port[0].queues, 2);
	assert_int_equal(o.port[0].device.kind, DEVICE_UNIX);
	assert_string_equal(o.port[0].device.what, "/l");
	assert_string_equal(o.port[0].device.peer, "/r");
	assert_string_equal(o.port[1].mirror, "w1");
	assert_int_equal(o.port[1].device.kind, DEVICE_TUN);
	assert_int_equal(o.port[1].mtu, 0);
	/* Commas before our own words are the driver's. */
	good("--port v=vdev:net_null0,size=64,copy=1,mtu=1400");
	assert_string_equal(o.port[0].device.what, "net_null0,size=64,copy=1");
	assert_int_equal(o.port[0].mtu, 1400);
}

static void test_port_refusals(void **state)
{
	(void)state;
	bad("--port lan", "--port lan", "NAME=DEVICE");
	bad("--port =unix:/l;/r", "--port", "NAME=DEVICE");
	bad("--port a/b=tun:x", "--port", "NAME=DEVICE");
	bad("--port abcdefghijklmnop=tun:x", "--port", "15 letters");
	bad("--port a=tun:x --port a=tun:y", "--port a", "already");
	bad("--port a=tun:x,mut=1500", "\"mut=1500\"", "mtu=BYTES");
	bad("--port a=tun:x,mtu=67", "mtu is a number from 68 to 1500", "\"67\"");
	bad("--port a=tun:x,mtu=9000", "from 68 to 1500", "\"9000\"");
	bad("--port a=tun:x,queues=0", "queues is a number from 1", "\"0\"");
	bad("--port a=tun:x,mac=01:00:00:00:00:01", "address of a station", "02:00:00:00:00:01");
	bad("--port a=tun:x,mac=00:00:00:00:00:00", "address of a station", "02:00:00:00:00:01");
	bad("--port a=tun:x,mac=02:00:00:00:00:01:02", "address of a station", "02:00:00:00:00:01");
	bad("--port a=tun:x,mirror=", "interface's name", "15 characters");
	bad("--port a=tun:x,mirror=abcdefghijklmnop", "interface's name", "15 characters");
	bad("--port longername=tun:x,mirror", "longername", "at most 9");
	bad("--port a=tun:x,mirror=m --port b=tun:y,mirror=m", "--port b", "mirror=IFNAME");
	bad("--port a=tun:x,mirror=y --port b=tun:y", "--port a", "mirror=IFNAME");
}

/* Mirrors are ports, too. */
static void test_too_many_ports(void **state)
{
	char line[4096] = "";
	(void)state;

	for (int i = 0; i < 16; i++)
		sprintf(line + strlen(line), "--port p%d=tun:t%d,mirror ", i, i);
	good(line);
	strcat(line, "--port q=tun:q");
	bad(line, "17 ports and 16 mirrors", "32");
	*line = 0;
	for (int i = 0; i < 33; i++)
		sprintf(line + strlen(line), "--port p%d=tun:t%d ", i, i);
	bad(line, "--port p32", "32 ports");
}

static void device(const char *text, enum device_kind kind, const char *what)
{
	struct device d;
	const char *why = device_parse(&d, text, 3);

	if (why)
		fail_msg("%s: %s", text, why);
	assert_int_equal(d.kind, kind);
	assert_string_equal(d.what, what);
}

static void test_devices(void **state)
{
	struct device d;
	(void)state;

	device("pci:0000:03:00.1", DEVICE_PCI, "0000:03:00.1");
	device("pci:03:00.1", DEVICE_PCI, "0000:03:00.1");
	device("vdev:net_null7,size=64", DEVICE_VDEV, "net_null7,size=64");
	device("tap:x0", DEVICE_VDEV, "net_tap3,iface=x0");
	device("af_packet:eth0", DEVICE_VDEV, "net_af_packet3,iface=eth0");
	device("af_xdp:eth0", DEVICE_VDEV, "net_af_xdp3,iface=eth0");
	device("memif:/s", DEVICE_VDEV, "net_memif3,role=client,id=0,socket=/s,socket-abstract=no");
	device("memif:/s;id=7;role=server", DEVICE_VDEV,
	       "net_memif3,role=server,id=7,socket=/s,socket-abstract=no");
	device("pcap:in", DEVICE_VDEV, "net_pcap3,rx_pcap=in");
	device("pcap:in;out", DEVICE_VDEV, "net_pcap3,rx_pcap=in,tx_pcap=out");
	device("pcap:;out", DEVICE_VDEV, "net_pcap3,tx_pcap=out");
	device("pcap:in;loop", DEVICE_VDEV, "net_pcap3,rx_pcap=in,infinite_rx=1");
	device("pcap:in;out;loop", DEVICE_VDEV, "net_pcap3,rx_pcap=in,tx_pcap=out,infinite_rx=1");
	device("ring:r", DEVICE_RING, "r");
	assert_null(device_parse(&d, "pcap:in;loop", 0));
	assert_string_equal(d.replay, "in");
	assert_null(device_parse(&d, "pcap:in", 0));
	assert_string_equal(d.replay, "");
}

static void refused(const char *text, const char *why)
{
	struct device d;
	const char *rc = device_parse(&d, text, 0);

	if (!rc || !strstr(rc, why))
		fail_msg("%s: wants \"%s\", says %s", text, why, rc ? rc : "nothing");
}

static void test_device_refusals(void **state)
{
	char line[400] = "unix:/";
	(void)state;

	refused("eth0", "write one of");
	refused("eth:0", "af_packet:IFNAME");
	refused("pci:eth0", "0000:03:00.0");
	refused("pci:0000:03:00.0x", "0000:03:00.0");
	refused("vdev:", "driver and a number");
	refused("vdev:net_null,size=1", "driver and a number");
	refused("tap:", "interface's name");
	refused("tun:a/b", "interface's name");
	refused("tap:abcdefghijklmnop", "15 characters");
	refused("tun:a;b", "too much");
	refused("memif:", "name is missing");
	refused("memif:/s;id=x", "id=NUMBER");
	refused("memif:/s;rolle=server", "role=server");
	refused("memif:/a,b", "comma");
	refused("pcap:", "no file");
	refused("pcap:;loop", "file to read");
	refused("pcap:a;b;c", "too many");
	refused("pcap:a,b", "comma");
	refused("unix:/l", "LOCAL;REMOTE");
	refused("unix:/l;", "LOCAL;REMOTE");
	refused("unix:/a;/b;/c", "too much");
	refused("ring:a/b", "15 letters");
	refused("a;;;;;;", "write one of");
	memset(line + 6, 'x', 120);
	strcat(line, ";/r");
	refused(line, "107 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),	 cmocka_unit_test(test_all_options),
		cmocka_unit_test(test_help_and_version), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_lcores),		 cmocka_unit_test(test_port_parts),
		cmocka_unit_test(test_port_refusals),	 cmocka_unit_test(test_too_many_ports),
		cmocka_unit_test(test_devices),		 cmocka_unit_test(test_device_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
