#include "mesh/io/address_book.hpp"

namespace tulle::mesh {
namespace {

/// The host of "host:port"; empty for any other text.
std::string host_of(const std::string& endpoint) {
    return parse_host_port(endpoint).value_or(HostPort{}).host;
}

}  // namespace

std::size_t AddressBook::first(const std::string& endpoint, std::size_t count) const {
    const auto known = first_.find(host_of(endpoint));
    // The number of addresses may have changed since.
    return known == first_.end() ? 0 : known->second % count;
}

void AddressBook::remember(const std::string& endpoint, std::size_t at, std::size_t count) {
    if (count < 2) {
        return;
    }
    if (first_.size() >= kMaxRemembered) {
        first_.clear();
    }
    first_[host_of(endpoint)] = at;
}

}  // namespace tulle::mesh
