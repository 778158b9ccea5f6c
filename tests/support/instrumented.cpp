#include "support/instrumented.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#elif __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__
#endif
#endif

namespace rondo::test {

Sanitizer sanitizer() {
#if defined(__SANITIZE_ADDRESS__)
  return Sanitizer::address;
#elif defined(__SANITIZE_THREAD__)
  return Sanitizer::thread;
#else
  return Sanitizer::none;
#endif
}

}  // namespace rondo::test
