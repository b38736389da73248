#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace tulle::node {

/// The keys of a day's session tickets, in the form of RFC 5077, 4.
struct TicketKey {
    /// Stands in the ticket, and tells which key has sealed the ticket.
    std::array<unsigned char, 16> name{};
    /// For AES-256-CBC.
    std::array<unsigned char, 32> cipher{};
    /// For HMAC-SHA256.
    std::array<unsigned char, 32> mac{};

    friend bool operator==(const TicketKey&, const TicketKey&) = default;
};

/// The keys by which session tickets are sealed and opened. Nodes with the same secret open each other's tickets, so a
/// client that comes back to another node needs no full handshake. While the secret of a cluster is replaced there are
/// several: the first seals, and each opens.
///
/// Each day (UTC) has keys of its own, derived from a secret and the number of the day (HKDF-SHA256). Tickets of
/// yesterday and of tomorrow are opened as well: clients come back after midnight, and the clocks of two nodes differ.
///
/// Thread: any; a look-up takes a lock.
class TicketKeys {
public:
    using Secret = std::array<unsigned char, 32>;
    using Secrets = std::vector<Secret>;

    /// REQUIRES: `secrets` is not empty.
    explicit TicketKeys(Secrets secrets);

    /// The key for a new ticket. `day`: days since 1970.
    [[nodiscard]] TicketKey key_of(std::int64_t day) const { return key_of(0, day); }
    /// The key with this name, if the key belongs to `day`, to the day before or to the day after.
    [[nodiscard]] std::optional<TicketKey> find(std::string_view name, std::int64_t day) const;

    [[nodiscard]] const Secrets& secrets() const { return secrets_; }

private:
    /// The key of the secret at this position.
    [[nodiscard]] TicketKey key_of(std::size_t secret, std::int64_t day) const;

    const Secrets secrets_;
    mutable std::mutex mutex_;
    /// By day and position of the secret.
    mutable std::map<std::pair<std::int64_t, std::size_t>, TicketKey> keys_;
};

}  // namespace tulle::node
