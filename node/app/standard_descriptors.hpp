#pragma once

#include <fcntl.h>

namespace tulle::node {

/// Opens /dev/null for each of the descriptors 0, 1 and 2 that the process was started without. Otherwise the next
/// eventfd or socket would get such a number, and a printed line would be written into the eventfd or socket. Call the
/// function first in main, before any other descriptor is opened.
inline void keep_standard_descriptors() {
    for (int standard = 0; standard <= 2; ++standard) {
        if (::fcntl(standard, F_GETFD) < 0) {
            // open() returns the lowest free number: `standard`, as all lower numbers are open by now.
            static_cast<void>(::open("/dev/null", O_RDWR));
        }
    }
}

}  // namespace tulle::node
