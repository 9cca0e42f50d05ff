/* The least that libpcsclite takes for a pcscd: one reader with a card that answers 6D00 to everything.
 *
 * One client at a time, one thread, no bookkeeping: what is left is the cost of the socket. Argument: the socket's path.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ESTABLISH = 1, CONNECT = 4, TRANSMIT = 9, VERSION = 0x11, STATES = 0x12 };

/* A message: size and code, the structure, and data after it. */
static uint32_t words[(65536 + 64) / 4];
static uint8_t *const in = (uint8_t *)words;
static size_t have;

/* Reads until so many bytes are there; takes whatever else has come. */
static int fill(int client, size_t want)
{
    while (have < want) {
        ssize_t got = read(client, in + have, sizeof words - have);
        if (got <= 0)
            return 0;
        have += got;
    }
    return 1;
}

/* One reader of sixteen: name, events, state, sharing, ATR, its length, protocol. */
static size_t states(uint8_t *out)
{
    static const uint8_t atr[] = { 0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14 };
    uint32_t present = 0x54, length = sizeof atr, protocol = 2;
    memset(out, 0, 16 * 184);
    strcpy((char *)out, "Minimal Reader 00 00");
    memcpy(out + 132, &present, 4);
    memcpy(out + 140, atr, sizeof atr);
    memcpy(out + 176, &length, 4);
    memcpy(out + 180, &protocol, 4);
    return 16 * 184;
}

static void serve(int client)
{
    static uint32_t answer[16 * 184 / 4];
    uint32_t *body = words + 2;
    uint8_t *out = (uint8_t *)answer;
    for (have = 0; fill(client, 8);) {
        size_t size = words[0], used = 8 + size;
        if (size > 1024 || !fill(client, used))
            return;
        /* Most answers are the question with a few fields filled in, and rv is 0 already. */
        memcpy(out, body, size);
        switch (words[1]) {
        case VERSION:
            answer[2] = 0;
            break;
        case ESTABLISH:
            answer[1] = 1, answer[2] = 0;
            break;
        case STATES:
            size = states(out);
            break;
        case CONNECT: /* handle, protocol and rv at the end */
            answer[35] = 2, answer[36] = 2, answer[37] = 0;
            break;
        case TRANSMIT: /* the length of the command is the fourth field, that of the answer the seventh */
            if (body[3] > 65536 || !fill(client, used += body[3]))
                return;
            answer[6] = 2, answer[7] = 0;
            memcpy(out + size, "\x6D\x00", 2);
            size += 2;
        }
        have -= used;
        memmove(in, in + used, have);
        if (write(client, out, size) != (ssize_t)size)
            return;
    }
}

int main(int count, char **arguments)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (count != 2 || strlen(arguments[1]) >= sizeof address.sun_path)
        return 2;
    strcpy(address.sun_path, arguments[1]);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4)) {
        perror(arguments[1]);
        return 1;
    }
    for (int client; (client = accept(listener, NULL, NULL)) >= 0; close(client))
        serve(client);
    return 0;
}
