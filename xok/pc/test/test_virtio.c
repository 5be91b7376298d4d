/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_virtio.c - the driver's side of a queue against a device that lies: identifiers it does not
 * hold, the same one twice, an index that runs ahead. On the host, with the rings in ordinary
 * memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "xok/pc/virtio.h"

/* virtio.c's set-up half needs these; no test here reaches them. */
uint32_t pci_read(const struct pci_dev *d, uint32_t off, uint32_t size)
{
	(void)d, (void)off, (void)size;
	return 0;
}

uint32_t pci_cap(const struct pci_dev *d, uint8_t id, uint32_t after)
{
	(void)d, (void)id, (void)after;
	return 0;
}

uint64_t pci_bar(const struct pci_dev *d, uint32_t bar)
{
	(void)d, (void)bar;
	return 0;
}

void pci_enable(const struct pci_dev *d)
{
	(void)d;
}

volatile void *mmio_map(uint64_t pa, size_t len)
{
	(void)pa, (void)len;
	return NULL;
}

void *boot_alloc(size_t bytes, size_t align)
{
	(void)bytes, (void)align;
	return NULL;
}

#define SIZE 8u

struct device {
	struct vq q;
	uint16_t doorbell;
	struct vq_used *used;
};

static int setup(void **state)
{
	struct device *d = calloc(1, sizeof(*d));

	d->q.size = SIZE;
	d->q.desc = calloc(SIZE, sizeof(struct vq_desc));
	d->q.avail = calloc(1, sizeof(struct vq_avail) + 2 * SIZE);
	d->used = calloc(1, sizeof(struct vq_used) + SIZE * sizeof(struct vq_used_elem));
	d->q.used = d->used;
	d->q.notify = &d->doorbell;
	d->doorbell = 0xffff;
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct device *d = *state;

	free(d->q.desc);
	free(d->q.avail);
	free(d->used);
	free(d);
	return 0;
}

static void device_uses(struct device *d, uint32_t id, uint32_t len)
{
	d->used->ring[d->used->idx % SIZE] = (struct vq_used_elem){id, len};
	d->used->idx++;
}

static void honest_device(void **state)
{
	struct device *d = *state;
	uint32_t len;
	uint16_t id;

	/* Many times around, so that the 16-bit indices wrap. */
	for (uint32_t i = 0; i < 70000; i++) {
		vq_post(&d->q, i % SIZE, 100, true);
		assert_int_equal(d->q.avail->idx, (uint16_t)(i + 1));
		assert_int_equal(d->q.avail->ring[i % SIZE], i % SIZE);
		assert_int_equal(vq_take(&d->q, &id, &len), VQ_EMPTY);
		device_uses(d, i % SIZE, i);
		assert_true(vq_waiting(&d->q));
		assert_int_equal(vq_take(&d->q, &id, &len), VQ_BUFFER_BACK);
		assert_int_equal(id, i % SIZE);
		assert_int_equal(len, i);
		assert_int_equal(d->q.posted, 0);
	}
}

static void wrong_identifiers(void **state)
{
	static const uint32_t wrong[] = {1, SIZE - 1, SIZE, SIZE + 1, 64, 65536, UINT32_MAX};
	struct device *d = *state;
	uint32_t len;
	uint16_t id = 77;

	vq_post(&d->q, 0, 100, true);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		device_uses(d, wrong[i], 60);
		assert_int_equal(vq_take(&d->q, &id, &len), VQ_BAD_ID);
		assert_int_equal(id, 77);
		assert_int_equal(d->q.posted, 1);
	}
	device_uses(d, 0, 60);
	assert_int_equal(vq_take(&d->q, &id, &len), VQ_BUFFER_BACK);
	/* Once more the same: it is not the device's any longer. */
	device_uses(d, 0, 60);
	assert_int_equal(vq_take(&d->q, &id, &len), VQ_BAD_ID);
	assert_int_equal(d->q.posted, 0);
}

static void index_ahead(void **state)
{
	struct device *d = *state;
	uint32_t len;
	uint16_t id;

	vq_post(&d->q, 0, 100, true);
	d->used->idx = SIZE + 1;
	assert_int_equal(vq_take(&d->q, &id, &len), VQ_BROKEN);
	d->used->idx = UINT16_MAX; /* one behind is far ahead */
	assert_int_equal(vq_take(&d->q, &id, &len), VQ_BROKEN);
	assert_int_equal(d->q.posted, 1);
}

static void doorbell(void **state)
{
	struct device *d = *state;

	d->q.index = 1;
	d->used->flags = 1;
	vq_kick(&d->q);
	assert_int_equal(d->doorbell, 0xffff);
	d->used->flags = 0;
	vq_kick(&d->q);
	assert_int_equal(d->doorbell, 1);
	vq_interrupts(&d->q, false);
	assert_int_equal(d->q.avail->flags, 1);
	vq_interrupts(&d->q, true);
	assert_int_equal(d->q.avail->flags, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(honest_device), TEST(wrong_identifiers),
					   TEST(index_ahead), TEST(doorbell)};

	return cmocka_run_group_tests_name("virtio", tests, NULL, NULL);
}
