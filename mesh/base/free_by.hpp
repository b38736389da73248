#pragma once

namespace tulle {

/// A deleter for std::unique_ptr that calls a C library's function for the type: std::unique_ptr<SSL,
/// FreeBy<SSL_free>>.
template <auto kFree>
struct FreeBy {
    template <class T>
    void operator()(T* object) const {
        kFree(object);
    }
};

}  // namespace tulle
