#pragma once

#include <boost/system/result.hpp>

namespace tulle {

/// A value, or an error of the module's own enum. For input from outside; a broken invariant of our own code is a
/// TULLE_ASSERT.
template <class T, class E>
using Result = boost::system::result<T, E>;

}  // namespace tulle
