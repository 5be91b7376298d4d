/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pc.h - the parts of the x86-64 machine under xok/core, one section per file.
 *
 * One processor, interrupts off in the kernel, one kernel stack. Physical memory is mapped at
 * DIRECT_BASE (never executable; kernel text and read-only data are read-only there too), device
 * registers at MMIO_BASE, the kernel's own image at KERNEL_BASE, generated code at CODE_BASE, where
 * it can be executed and not written. Everything here runs before the first environment or on behalf of a trap; what it cannot do it panics about, since after boot
 * nothing the hardware or an environment does may lead there.
 */
#ifndef PC_PC_H
#define PC_PC_H

#define DIRECT_BASE 0xffff800000000000
#define MMIO_BASE 0xffffc00000000000
#define KERNEL_BASE 0xffffffff80000000
#define CODE_BASE 0xffffffffc0000000 /* generated code, within reach of a call from the kernel's */
#define USER_END 0x0000800000000000  /* first address that is not canonical */

#define PC_NPORT 16
#define PC_VERSION "0.1"

/* Interrupt vectors above the processor's own. */
#define VEC_TIMER 0x20
#define VEC_COM1 0x21
#define VEC_COM2 0x22
#define VEC_PORT0 0x30 /* one for each network port */
#define VEC_SPURIOUS 0xff

#include "xok/regs.h"

#ifndef __ASSEMBLER__
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xok/core/core.h"

/* ---- lib.c: what the compiler expects of a freestanding C library ---- */
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

/* ---- print.c: console 0, polled; %s %c %d %u %x with l, width and leading zeros ---- */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *fmt, va_list ap);

/* ---- panic.c ---- */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same with the registers at the time; rbp starts the backtrace. */
_Noreturn void panic_regs(const struct xok_regs *r, const char *what);
/* Lets the report name the running environment; NULL before there is one. */
void panic_kernel(struct xok *x);

/*
 * ---- memmap.c: physical memory as the loader describes it, and memory that is never given back
 * ----
 */
struct mem_range {
	uint64_t start, end;
};
#define MEM_NRANGE 32

struct memmap {
	struct mem_range ram[MEM_NRANGE]; /* page-aligned, usable */
	uint32_t nram;
	struct mem_range archive; /* the boot module, exact */
	uint64_t rsdp;		  /* 0: not given */
	uint64_t low_top, top;	  /* end of RAM and firmware tables below 4 GiB, and at all */
	uint64_t ram_bytes;
};
extern struct memmap memmap;

void memmap_init(uint64_t start_info);
/*
 * Zeroed memory out of the RAM behind the kernel, `align` a power of two; panics when there is
 * none.
 */
void *boot_alloc(size_t bytes, size_t align);
/* Hands every frame that is not in use to the core; nothing may be boot_alloc'ed afterwards. */
void memmap_release(struct xok *x);

/* The kernel's pointer to physical memory, and back. */
static inline void *phys_ptr(uint64_t pa)
{
	return (void *)(DIRECT_BASE + pa);
}

static inline uint64_t direct_phys(const void *p)
{
	return (uint64_t)p - DIRECT_BASE;
}

/*
 * As phys_ptr, for addresses the firmware gave: NULL when [pa, pa + len) is not in the direct map.
 */
void *phys_ptr_checked(uint64_t pa, size_t len);

/* ---- paging.c: the kernel's half of every address space ---- */
#define PTE_P 1ull
#define PTE_W 2ull
#define PTE_U 4ull
#define PTE_PWT 8ull
#define PTE_PCD 16ull
#define PTE_A 32ull
#define PTE_D 64ull
#define PTE_PS 128ull
#define PTE_G 256ull
#define PTE_NX (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

extern uint64_t *kernel_pml4;

void paging_init(void);
/* Device registers, uncached; only before the first address space is made. */
volatile void *mmio_map(uint64_t pa, size_t len);
/*
 * Memory for generated code, a multiple of XOK_PAGE: *w is where it is written and cannot be
 * executed, *x where it is executed and cannot be written. Only before the first address space is
 * made.
 */
void paging_code(size_t bytes, uint8_t **w, const uint8_t **x);
/*
 * Maps physical [pa, pa + len) read-only for ring 3 under one top-level entry; returns that entry.
 */
uint64_t paging_shared_ro(uint64_t va, uint64_t pa, size_t len);

/* ---- space.c: the user half; machine.h says what each does ---- */
void space_setup(uint32_t nframe, uint64_t info_entry);
void space_map_archive(uint32_t root, uint64_t boot_entry);
void space_load(uint32_t root); /* makes it the processor's */
void space_init(void *m, uint32_t root);
int64_t space_map_get(void *m, uint32_t root, uint64_t va, uint32_t *prot);
int space_map_set(void *m, uint32_t root, uint64_t va, uint32_t frame, uint32_t prot,
		  int64_t (*pt_alloc)(void *arg), void *arg);
void space_free(void *m, uint32_t root, void (*unmap)(void *arg, uint32_t frame),
		void (*pt_free)(void *arg, uint32_t frame), void *arg);
int space_copyin(void *m, uint32_t root, void *dst, uint64_t src, size_t len);
int space_copyout(void *m, uint32_t root, uint64_t dst, const void *src, size_t len);

/* ---- cpu.c: descriptor tables, control registers, features that must be there ---- */
void cpu_init_tables(void); /* before paging_init makes them read-only */
void cpu_init_protection(void);
extern char kernel_stack_top[];

/* ---- fpu.c: XSAVE state, one area for each environment ---- */
void fpu_setup(void);
void fpu_init(void *m, struct xok_env *e);
void fpu_load(struct xok_env *e); /* puts the old owner's registers away first */

/* ---- trap-entry.S, trap.c ---- */
extern const char trap_vectors[]; /* 256 entries of 16 bytes */
void syscall_entry(void);
_Noreturn void user_iret(const struct xok_regs *r);
_Noreturn void user_sysret(const struct xok_regs *r);
_Noreturn void trap_run(struct xok *x); /* runs environments for ever */

/* ---- clock.c ---- */
struct clock {
	uint64_t tsc0, tsc_mult; /* ns = (tsc - tsc0) * tsc_mult >> 32 */
	uint64_t wall0;		 /* UTC at tsc0, ns since 1970 */
	uint64_t lapic_mult;	 /* timer counts = ns * lapic_mult >> 32 */
};
extern struct clock clock;
void clock_init(uint64_t tsc0);
uint64_t clock_now(void);

/* ---- random.c ---- */
void random_init(void);
void random_bytes(void *m, void *buf, size_t len);

/* ---- apic.c ---- */
void apic_init(void); /* PIC masked, local APIC on, I/O APIC masked but for the serial lines */
void apic_eoi(void);
uint32_t apic_id(void);
void apic_timer_raw(uint32_t count); /* one shot; 0: stopped */
uint32_t apic_timer_count(void);
/* Interrupt at monotonic time `at`, or as late as the timer reaches before; UINT64_MAX: never. */
void apic_timer_at(uint64_t at);
void apic_timer_fired(void); /* it did: nothing is set any more */

/* ---- serial.c: consoles 0 (COM1) and 1 (COM2) ---- */
void serial_init(void);
/* Queues as much as there is room for; returns how much. */
size_t serial_write(void *m, uint32_t cons, const char *buf, size_t len);
void serial_drain(void); /* the machine stops: send what waits, as long as somebody takes it */
size_t serial_read(void *m, uint32_t cons, char *buf, size_t len);
bool serial_interrupt(uint32_t cons); /* true: input is waiting */

/* ---- pci.c ---- */
struct pci_dev {
	uint8_t bus, dev, fn;
	uint16_t vendor, device;
};
uint32_t pci_read(const struct pci_dev *d, uint32_t off, uint32_t size);
void pci_write(const struct pci_dev *d, uint32_t off, uint32_t size, uint32_t v);
/*
 * Calls fn for each function, in bus, device, function order, buses behind bridges in their place.
 */
void pci_scan(void (*fn)(const struct pci_dev *d));
/* The next capability with this id after `after` (0: the first); 0: none. */
uint32_t pci_cap(const struct pci_dev *d, uint8_t id, uint32_t after);
/* Base address register `bar` as a physical address; 0: not memory or not assigned. */
uint64_t pci_bar(const struct pci_dev *d, uint32_t bar);
void pci_enable(const struct pci_dev *d); /* memory and bus master on, INTx off */
/* Routes MSI-X entry `entry` to a vector and enables MSI-X; false: it has none. */
bool pci_msix(const struct pci_dev *d, uint32_t entry, uint8_t vector);

/* ---- net.c: virtio-net ports, numbered in PCI order ---- */
void net_init(void); /* finds and starts them */
uint32_t net_ports(void);
/* Tells the core about them; interrupts are handled, and deferrals counted, from here on. */
void net_attach(struct xok *x, struct xok_info *bookkeeping);
int net_transmit(void *m, uint32_t port, const void *frame, size_t len);
/*
 * An interrupt of this port; handles it now or when its turn comes (net_poll). idle: no environment
 * wants the processor.
 */
void net_interrupt(uint32_t port, bool idle);
/*
 * Handles what had to wait and is due; idle: everything. Returns when to be called again,
 * UINT64_MAX: no need.
 */
uint64_t net_poll(bool idle);

/* ---- acpi.c ---- */
void acpi_init(void);
void power(void *m, uint32_t how, uint32_t status);

/* ---- load.c: the first environment ---- */
/*
 * Maps the static ELF64 `image` and its stack into root and starts it; panics with the reason when
 * it is not one.
 */
void load_root(struct xok *x, struct xok_env *root, const void *image, size_t len);

#endif
#endif
