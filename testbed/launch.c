/* SPDX-License-Identifier: BSD-2-Clause */
/* launch.c - what a node's process is called with: QEMU, xokd, or this program itself as an edge or a host. */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "supervisor.h"
#include "text.h"

__attribute__((format(printf, 2, 3))) static void arg(struct command *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&c->argv[c->argc], fmt, ap) < 0)
		abort();
	va_end(ap);
	c->argv[++c->argc] = NULL;
}

void command_free(struct command *c)
{
	for (uint32_t i = 0; i < c->argc; i++)
		free(c->argv[i]);
}

bool node_is_inside(const struct node *n)
{
	return n->conf->kind == TOPO_HOST || n->conf->mirror;
}

bool node_inherits_consoles(const struct node *n)
{
	return !topo_forwards(n->conf->kind);
}

static const char *mac_text(const uint8_t m[6], char buf[18])
{
	snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	return buf;
}

static void qemu_command(struct node *n, const char *boot, struct command *c)
{
	const struct sup_options *o = n->sup->opt;
	char mac[18];

	arg(c, "qemu-system-x86_64");
	arg(c, "-name");
	arg(c, "%s", n->conf->name);
	arg(c, "-machine");
	arg(c, "q35,accel=%s,usb=off,vmport=off", n->sup->accel);
	arg(c, "-cpu");
	arg(c, "max");
	arg(c, "-m");
	arg(c, "%u", n->conf->memory);
	arg(c, "-smp");
	arg(c, "1");
	arg(c, "-nodefaults");
	arg(c, "-no-user-config");
	arg(c, "-display");
	arg(c, "none");
	arg(c, "-no-reboot");
	arg(c, "-kernel");
	arg(c, "%s/xok.stripped", o->data);
	arg(c, "-initrd");
	arg(c, "%s", boot);
	arg(c, "-chardev");
	arg(c, "pipe,id=people,path=%s/%u.people", o->dir, n->index);
	arg(c, "-serial");
	arg(c, "chardev:people");
	arg(c, "-chardev");
	arg(c, "pipe,id=control,path=%s/%u.control", o->dir, n->index);
	arg(c, "-serial");
	arg(c, "chardev:control");
	arg(c, "-device");
	arg(c, "isa-debug-exit,iobase=0xf4,iosize=4");
	for (uint32_t p = 0; p < n->conf->nport; p++) {
		arg(c, "-netdev");
		arg(c,
		    "dgram,id=n%u,local.type=unix,local.path=%s/n%u.%u,remote.type=unix,"
		    "remote.path=%s/r%u.%u",
		    p, o->dir, n->index, p, o->dir, n->index, p);
		arg(c, "-device");
		arg(c,
		    "virtio-net-pci,netdev=n%u,mac=%s,disable-legacy=on,romfile=,mrg_rxbuf=off,"
		    "csum=off,guest_csum=off,gso=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,"
		    "guest_ufo=off,host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off",
		    p, mac_text(n->conf->port[p].mac, mac));
	}
}

/* Routers of a testbed share its processors in turn, when the file does not say which they take. */
static uint32_t some_processor(uint32_t nth)
{
	cpu_set_t set;
	uint32_t n;

	if (sched_getaffinity(0, sizeof(set), &set) || !(n = (uint32_t)CPU_COUNT(&set)))
		return 0;
	nth %= n;
	for (uint32_t i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && nth-- == 0)
			return i;
	return 0;
}

/* In a testbed: a port for each link, whose sockets the relay knows. */
static void link_ports(struct node *n, struct command *c)
{
	const char *dir = n->sup->opt->dir;
	char mac[18];

	for (uint32_t p = 0; p < n->conf->nport; p++) {
		arg(c, "--port");
		arg(c, HOST_MIRROR "%u=unix:%s/n%u.%u;%s/r%u.%u,mac=%s%s", p, dir, n->index, p, dir,
		    n->index, p, mac_text(n->conf->port[p].mac, mac),
		    n->conf->mirror ? ",mirror" : "");
	}
	arg(c, "--lcores");
	if (n->conf->lcores[0])
		arg(c, "%s", n->conf->lcores);
	else
		arg(c, "%u", some_processor(n->index));
	arg(c, "--memory");
	arg(c, "%u", n->conf->memory);
	if (n->conf->mirror)
		arg(c, "--netlink");
}

/* `amp router`: as its configuration says. */
static void router_ports(const struct router *r, struct command *c)
{
	bool mirrors = false;

	for (uint32_t i = 0; i < r->nport; i++) {
		const struct router_port *p = &r->port[i];
		char more[96] = "";

		if (p->mirror[0])
			text_append(more, sizeof(more), ",mirror=%s", p->mirror);
		if (p->mac[0])
			text_append(more, sizeof(more), ",mac=%s", p->mac);
		if (p->mtu)
			text_append(more, sizeof(more), ",mtu=%u", p->mtu);
		if (p->queues)
			text_append(more, sizeof(more), ",queues=%u", p->queues);
		arg(c, "--port");
		arg(c, "%s=%s%s", p->name, p->device, more);
		mirrors = mirrors || p->mirror[0];
	}
	if (r->lcores[0]) {
		arg(c, "--lcores");
		arg(c, "%s", r->lcores);
	}
	if (r->memory) {
		arg(c, "--memory");
		arg(c, "%u", r->memory);
	}
	if (r->hugepages)
		arg(c, "--hugepages");
	if (r->hitless)
		arg(c, "--hitless");
	if (mirrors)
		arg(c, "--netlink");
}

static void xokd_command(struct node *n, const char *conf, struct command *c)
{
	const struct sup_options *o = n->sup->opt;

	arg(c, "%s/xokd", o->data);
	arg(c, "--name");
	arg(c, "%s", n->conf->name);
	arg(c, "--programs");
	arg(c, "%s/linux-env", o->data);
	arg(c, "--boot");
	arg(c, "node.conf=%s", conf);
	arg(c, "--console0");
	arg(c, "%s/%u.people", o->dir, n->index);
	arg(c, "--console1");
	arg(c, "%s/%u.control", o->dir, n->index);
	arg(c, "--run");
	arg(c, "%s", o->dir);
	if (o->router)
		router_ports(o->router, c);
	else
		link_ports(n, c);
}

/* This program again. Its consoles are descriptors that it inherits: people as 3, control as 4. */
static void self_command(struct node *n, const char *verb, const char *conf, struct command *c)
{
	arg(c, "%s", n->sup->opt->self);
	arg(c, "%s", verb);
	arg(c, "--name");
	arg(c, "%s", n->conf->name);
	arg(c, "--conf");
	arg(c, "%s", conf);
}

static void edge_command(struct node *n, const char *conf, struct command *c)
{
	const char *dir = n->sup->opt->dir;
	char mac[18];

	self_command(n, "edge-node", conf, c);
	arg(c, "--cons-fd");
	arg(c, "3");
	arg(c, "--ctl-fd");
	arg(c, "4");
	for (uint32_t p = 0; p < n->conf->nport; p++) {
		arg(c, "--port");
		arg(c, "%s/n%u.%u,%s/r%u.%u,%s", dir, n->index, p, dir, n->index, p,
		    mac_text(n->conf->port[p].mac, mac));
	}
}

/* The first process of the namespaces of a host, or of a router, whose own command then follows. */
static void host_command(struct node *n, const char *conf, struct command *c)
{
	char mac[18];

	self_command(n, "host-node", conf, c);
	arg(c, "--state");
	arg(c, "%s", n->sup->opt->dir);
	for (uint32_t p = 0; n->conf->kind == TOPO_HOST && p < n->conf->nport; p++) {
		arg(c, "--port");
		arg(c, "%s", mac_text(n->conf->port[p].mac, mac));
	}
	if (n->conf->kind == TOPO_ROUTER) {
		arg(c, "--mirrors");
		arg(c, "%u", n->conf->nport);
		arg(c, "--");
	}
}

int command_make(struct node *n, struct command *c)
{
	char conf[PATH_MAX], boot[PATH_MAX];

	c->argc = 0;
	snprintf(conf, sizeof(conf), "%s/%s.conf", n->sup->opt->dir, n->conf->name);
	if (node_is_inside(n))
		host_command(n, conf, c);
	switch (n->conf->kind) {
	case TOPO_XOK:
		if (node_archive(n, boot))
			return -1;
		qemu_command(n, boot, c);
		break;
	case TOPO_ROUTER: xokd_command(n, conf, c); break;
	case TOPO_EDGE: edge_command(n, conf, c); break;
	case TOPO_HOST: break;
	}
	return 0;
}
