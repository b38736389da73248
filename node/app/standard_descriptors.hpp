#pragma once

#include <fcntl.h>

namespace tulle::node {

/// Opens /dev/null for each of the descriptors 0, 1 and 2 that the process was started without. Otherwise the next
/// eventfd or socket would get such a number, and whatever is printed would be written into it. First thing in main.
inline void keep_standard_descriptors() {
    for (int standard = 0; standard <= 2; ++standard) {
        if (::fcntl(standard, F_GETFD) < 0) {
            static_cast<void>(::open("/dev/null", O_RDWR));  // gets the lowest free number: this one
        }
    }
}

}  // namespace tulle::node
