#pragma once

#include <boost/system/result.hpp>

namespace tulle {

/// A value or an error of the module's own enum. For input from outside; a broken invariant is TULLE_ASSERT instead.
template <class T, class E>
using Result = boost::system::result<T, E>;

}  // namespace tulle
