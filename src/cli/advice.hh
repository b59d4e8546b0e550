// The server advises all its clients at once; what only Python users can do is said here in the command line's words.
#pragma once

#include "base/result.hh"

namespace werkbank::cli {

Error in_our_words(Error error);

}  // namespace werkbank::cli
