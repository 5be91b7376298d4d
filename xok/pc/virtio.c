/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.c - transport and queues; see virtio.h.
 */
#include "virtio.h"
#include "x86.h"

/* 4.1.4: vendor capabilities that say where the register windows are. */
#define CAP_VENDOR 0x09
#define CFG_COMMON 1u
#define CFG_NOTIFY 2u
#define CFG_DEVICE 4u
#define WINDOW_MAX 65536u

/* 4.1.4.3: the common configuration. */
#define COM_DFSELECT 0
#define COM_DF 4
#define COM_GFSELECT 8
#define COM_GF 12
#define COM_MSIX 16
#define COM_STATUS 20
#define COM_Q_SELECT 22
#define COM_Q_SIZE 24
#define COM_Q_MSIX 26
#define COM_Q_ENABLE 28
#define COM_Q_NOTIFY_OFF 30
#define COM_Q_DESC 32
#define COM_Q_AVAIL 40
#define COM_Q_USED 48

/* 2.1 */
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define STATUS_FAILED 128u

#define DESC_WRITE 2u
#define AVAIL_NO_INTERRUPT 1u
#define USED_NO_NOTIFY 1u

static void write8(volatile uint8_t *p, uint8_t v)
{
	*p = v;
}

static void write16(volatile uint8_t *p, uint16_t v)
{
	*(volatile uint16_t *)p = v;
}

static void write32(volatile uint8_t *p, uint32_t v)
{
	*(volatile uint32_t *)p = v;
}

/* 4.1.3.1: 64-bit fields are two 32-bit ones. */
static void write64(volatile uint8_t *p, uint64_t v)
{
	write32(p, (uint32_t)v);
	write32(p + 4, (uint32_t)(v >> 32));
}

static uint16_t read16(volatile uint8_t *p)
{
	return *(volatile uint16_t *)p;
}

static uint32_t read32(volatile uint8_t *p)
{
	return *(volatile uint32_t *)p;
}

static void find_windows(struct virtio *v)
{
	const struct pci_dev *d = &v->pci;

	for (uint32_t cap = pci_cap(d, CAP_VENDOR, 0); cap != 0;
	     cap = pci_cap(d, CAP_VENDOR, cap)) {
		uint8_t type = (uint8_t)pci_read(d, cap + 3, 1);
		uint64_t base = pci_bar(d, pci_read(d, cap + 4, 1));
		uint32_t off = pci_read(d, cap + 8, 4), len = pci_read(d, cap + 12, 4);

		if (base == 0 || len == 0)
			continue;
		if (len > WINDOW_MAX)
			len = WINDOW_MAX;
		if (type == CFG_COMMON && v->common == NULL && len >= COM_Q_USED + 8) {
			v->common = mmio_map(base + off, len);
		} else if (type == CFG_DEVICE && v->device == NULL) {
			v->device = mmio_map(base + off, len);
		} else if (type == CFG_NOTIFY && v->notify_base == 0) {
			v->notify_base = base + off;
			v->notify_multiplier = pci_read(d, cap + 16, 4);
		}
	}
}

static uint8_t status(struct virtio *v)
{
	return v->common[COM_STATUS];
}

static bool reset(struct virtio *v)
{
	write8(v->common + COM_STATUS, 0);
	/* 4.1.4.3.2: wait until the device says it is reset; one that never does is left alone. */
	for (unsigned i = 0; i < 100000; i++) {
		if (status(v) == 0)
			return true;
		cpu_relax();
	}
	return false;
}

static bool agree(struct virtio *v, uint64_t wanted, uint64_t required)
{
	uint64_t offered;

	write32(v->common + COM_DFSELECT, 0);
	offered = read32(v->common + COM_DF);
	write32(v->common + COM_DFSELECT, 1);
	offered |= (uint64_t)read32(v->common + COM_DF) << 32;
	v->features = offered & (wanted | required);
	if ((v->features & required) != required)
		return false;
	write32(v->common + COM_GFSELECT, 0);
	write32(v->common + COM_GF, (uint32_t)v->features);
	write32(v->common + COM_GFSELECT, 1);
	write32(v->common + COM_GF, (uint32_t)(v->features >> 32));
	write8(v->common + COM_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
	return (status(v) & STATUS_FEATURES_OK) != 0;
}

bool virtio_start(struct virtio *v, const struct pci_dev *d, uint64_t wanted, uint64_t required)
{
	memset(v, 0, sizeof(*v));
	v->pci = *d;
	pci_enable(d);
	find_windows(v);
	if (v->common == NULL || v->device == NULL || v->notify_base == 0)
		return false;
	if (!reset(v))
		return false;
	write8(v->common + COM_STATUS, STATUS_ACKNOWLEDGE);
	write8(v->common + COM_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	if (!agree(v, wanted, required)) {
		virtio_fail(v);
		return false;
	}
	write16(v->common + COM_MSIX,
		VIRTIO_NO_VECTOR); /* no interrupt for configuration changes */
	return true;
}

void virtio_ready(struct virtio *v)
{
	write8(v->common + COM_STATUS,
	       STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

void virtio_fail(struct virtio *v)
{
	write8(v->common + COM_STATUS, STATUS_FAILED);
}

bool virtio_queue(struct virtio *v, struct vq *q, uint16_t index, uint16_t vector)
{
	volatile uint8_t *c = v->common;
	uint16_t most;

	memset(q, 0, sizeof(*q));
	write16(c + COM_Q_SELECT, index);
	most = read16(c + COM_Q_SIZE);
	/* 2.6: a size is a power of two; 0: there is no such queue. */
	if (most == 0 || (most & (most - 1)) != 0)
		return false;
	q->size = most < VQ_SIZE ? most : VQ_SIZE;
	q->index = index;
	q->desc = boot_alloc(sizeof(struct vq_desc) * q->size, 16);
	q->avail = boot_alloc(sizeof(struct vq_avail) + 2u * q->size + 2, 2);
	q->used = boot_alloc(sizeof(struct vq_used) + sizeof(struct vq_used_elem) * q->size + 2, 4);
	q->buffers = boot_alloc((size_t)q->size * VQ_BUFFER, XOK_PAGE);
	for (uint16_t i = 0; i < q->size; i++)
		q->desc[i].addr = direct_phys(vq_buffer(q, i));
	write16(c + COM_Q_SIZE, q->size);
	write64(c + COM_Q_DESC, direct_phys(q->desc));
	write64(c + COM_Q_AVAIL, direct_phys(q->avail));
	write64(c + COM_Q_USED, direct_phys((const void *)q->used));
	write16(c + COM_Q_MSIX, vector);
	if (read16(c + COM_Q_MSIX) != vector)
		return false;
	q->notify = mmio_map(
		v->notify_base + (uint64_t)read16(c + COM_Q_NOTIFY_OFF) * v->notify_multiplier, 2);
	write16(c + COM_Q_ENABLE, 1);
	return true;
}

void vq_post(struct vq *q, uint16_t id, uint32_t len, bool device_writes)
{
	q->desc[id].len = len;
	q->desc[id].flags = device_writes ? DESC_WRITE : 0;
	q->held[id] = true;
	q->posted++;
	q->avail->ring[q->avail_next & (q->size - 1)] = id;
	q->avail_next++;
	/* The entry before the index: x86 keeps stores in order, the compiler must too. */
	barrier();
	*(volatile uint16_t *)&q->avail->idx = q->avail_next;
}

void vq_kick(struct vq *q)
{
	/* The index must be visible before the flag is read. */
	mfence();
	if (!(q->used->flags & USED_NO_NOTIFY))
		*q->notify = q->index;
}

void vq_interrupts(struct vq *q, bool want)
{
	*(volatile uint16_t *)&q->avail->flags = want ? 0 : AVAIL_NO_INTERRUPT;
	mfence(); /* before whoever asks next looks at the used ring */
}

bool vq_waiting(const struct vq *q)
{
	return q->used->idx != q->used_next;
}

uint16_t vq_unfinished(const struct vq *q)
{
	uint16_t finished = (uint16_t)(q->used->idx - q->used_next);

	return finished < q->posted ? (uint16_t)(q->posted - finished) : 0;
}

enum vq_result vq_take(struct vq *q, uint16_t *id, uint32_t *len)
{
	uint16_t ahead = (uint16_t)(q->used->idx - q->used_next);
	uint32_t which;

	if (ahead == 0)
		return VQ_EMPTY;
	if (ahead > q->size)
		return VQ_BROKEN;
	barrier();
	which = q->used->ring[q->used_next & (q->size - 1)].id;
	*len = q->used->ring[q->used_next & (q->size - 1)].len;
	q->used_next++;
	if (which >= q->size || !q->held[which])
		return VQ_BAD_ID;
	q->held[which] = false;
	q->posted--;
	*id = (uint16_t)which;
	return VQ_BUFFER_BACK;
}
