/*
 * The least that a plain CGI program can be: it prints its answer, which was compiled in (ANSWER, a file that holds a
 * C string literal), and ends.
 */
#include <unistd.h>

static const char answer[] =
#include ANSWER
    ;

int main(void) { return write(1, answer, sizeof answer - 1) == sizeof answer - 1 ? 0 : 1; }
