#include <jansson.h>

// The type that json_error_code() returns has the function's own name.
typedef enum json_error_code json_error_kind;
