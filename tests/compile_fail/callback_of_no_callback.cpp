// make_callback makes callbacks; another class is refused where it is named.
#include <rondo/callbacks.hpp>

struct Plain {};
struct Counts : rondo::Callback {};

#ifdef RONDO_MISUSE
auto callback = rondo::make_callback<Plain>();  // must not compile
#else
auto callback = rondo::make_callback<Counts>();
#endif
