/* A PC/SC program: sends a 4-byte command again and again, and says how long that took.
 *
 * For each number N on standard input it sends N commands and prints one line: commands a second, and the median and the
 * 99th percentile of one command in nanoseconds. It ends with its input. By hand:
 *
 *     echo 10000 | PCSCLITE_CSOCK_NAME=/path/of/the/socket ./client
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

/* The card in the first reader. Daemon, reader and card may still be on their way: ten seconds. */
static SCARDHANDLE card(void)
{
    SCARDCONTEXT context = 0;
    SCARDHANDLE handle;
    LONG code = SCARD_F_INTERNAL_ERROR;
    for (int tries = 0; tries < 1000; tries++, usleep(10000)) {
        char names[1024];
        DWORD size = sizeof names, protocol;
        if (!context && (code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context)))
            context = 0;
        else if (!(code = SCardListReaders(context, NULL, names, &size))
                 && !(code = SCardConnect(context, names, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &handle, &protocol)))
            return handle;
    }
    fprintf(stderr, "no card: %s\n", pcsc_stringify_error(code));
    exit(1);
}

int main(void)
{
    static const BYTE command[4] = { 0, 0, 0, 0 };
    SCARDHANDLE handle = card();
    long count;
    while (scanf("%ld", &count) == 1 && count > 0) {
        long long *times = malloc(count * sizeof *times), began = now(), total;
        for (long i = 0; i < count; i++) {
            BYTE answer[258];
            DWORD size = sizeof answer;
            long long start = now();
            LONG code = SCardTransmit(handle, SCARD_PCI_T1, command, sizeof command, NULL, answer, &size);
            times[i] = now() - start;
            if (code || size != 2 || memcmp(answer, "\x6D\x00", 2)) {
                fprintf(stderr, "command %ld: %s, %lu bytes\n", i, pcsc_stringify_error(code), (unsigned long)size);
                return 1;
            }
        }
        total = now() - began;
        qsort(times, count, sizeof *times, by_size);
        printf("%.1f %lld %lld\n", count * 1e9 / total, times[count / 2], times[count * 99 / 100]);
        fflush(stdout);
        free(times);
    }
    return 0;
}
