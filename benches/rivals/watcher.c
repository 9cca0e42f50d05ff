/* A PC/SC program that waits for cards: prints "1" when one is in the first reader and "0" when it is gone, at once and
 * whenever that changes. Ends with the server.
 *
 *     PCSCLITE_CSOCK_NAME=/path/of/the/socket ./watcher
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <winscard.h>

int main(void)
{
    SCARDCONTEXT context;
    char names[1024];
    DWORD size = sizeof names;
    LONG code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
    if (!code)
        code = SCardListReaders(context, NULL, names, &size);
    SCARD_READERSTATE state = { .szReader = names, .dwCurrentState = SCARD_STATE_UNAWARE };
    int seen = -1;
    while (!code && !(code = SCardGetStatusChange(context, INFINITE, &state, 1))) {
        int present = (state.dwEventState & SCARD_STATE_PRESENT) != 0;
        if (present != seen && write(STDOUT_FILENO, present ? "1" : "0", 1) != 1)
            return 0;
        seen = present;
        state.dwCurrentState = state.dwEventState;
    }
    fprintf(stderr, "%s\n", pcsc_stringify_error(code));
    return 1;
}
