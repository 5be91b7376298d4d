/* SPDX-License-Identifier: BSD-2-Clause */
/* strerror.c - error codes in words, as abi.h describes them. */
#include "amp/amp.h"

static const char *const text[] = {
	[-XOK_OK] = "OK: success",
	[-XOK_EINVAL] = "EINVAL: an argument is malformed or out of range",
	[-XOK_EPERM] = "EPERM: the named capability does not allow this",
	[-XOK_EFAULT] = "EFAULT: a user address is not mapped as the call needs it",
	[-XOK_ENOENT] = "ENOENT: no such environment, frame, port, ring, filter or slot",
	[-XOK_ENOMEM] = "ENOMEM: no free frame or kernel object",
	[-XOK_EQUOTA] = "EQUOTA: the environment's quota is used up",
	[-XOK_EBUSY] = "EBUSY: the thing exists already or is in use",
	[-XOK_EAGAIN] = "EAGAIN: try again later",
	[-XOK_ENOSYS] = "ENOSYS: no such call, or not offered on this machine",
	[-XOK_ESTALE] = "ESTALE: the id's generation is over",
};

const char *amp_strerror(int err)
{
	if (err > 0 || err <= -(int)(sizeof(text) / sizeof(text[0])))
		return "unknown error";
	return text[-err];
}
