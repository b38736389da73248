#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mesh/core/node/numbers.hpp"
#include "mesh/io/resolver.hpp"

namespace tulle::mesh {

/// Looks the names of endpoints up, and remembers which of a name's addresses to dial first.
///
/// Thread: confined to the hub; the resolver's threads call `wake` and `look_up`.
/// Limits: kMaxRemembered names with a remembered address; the limits of Resolver.
class AddressBook {
public:
    /// Anybody can introduce a node by any name, so the number is bounded; beyond the bound all are forgotten.
    static constexpr std::size_t kMaxRemembered = 2 * kMaxMembers;

    /// The arguments are those of Resolver.
    AddressBook(std::function<void()> wake, std::function<LookUp(const HostPort&)> look_up)
        : resolver_(std::move(wake), std::move(look_up)) {}

    /// Asks for the addresses of "host:port". The answer comes by take_answers().
    void ask(const std::string& endpoint) { resolver_.ask(endpoint); }
    /// All answers since the last call.
    [[nodiscard]] std::vector<Resolver::Answer> take_answers() { return resolver_.take_answers(); }
    /// The index of the address to dial first, of `count` addresses of the endpoint's name: that of the last success.
    /// REQUIRES: `count` is not 0.
    [[nodiscard]] std::size_t first(const std::string& endpoint, std::size_t count) const;
    /// Remembers the index of the address to dial first for the endpoint's name. With a single address there is
    /// nothing to choose.
    void remember(const std::string& endpoint, std::size_t at, std::size_t count);

private:
    Resolver resolver_;
    /// By host name. Without an entry: the first address.
    std::map<std::string, std::size_t> first_;
};

}  // namespace tulle::mesh
