#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

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
/// client that comes back to another node needs no full handshake.
///
/// Each day (UTC) has keys of its own, derived from the secret and the number of the day (HKDF-SHA256). Tickets of
/// yesterday and of tomorrow are opened as well: clients come back after midnight, and the clocks of two nodes differ.
///
/// Thread: any; a look-up takes a lock.
class TicketKeys {
public:
    using Secret = std::array<unsigned char, 32>;

    explicit TicketKeys(const Secret& secret) : secret_(secret) {}

    /// The key for a new ticket. `day`: days since 1970.
    [[nodiscard]] TicketKey key_of(std::int64_t day) const;
    /// The key with this name, if the key belongs to `day`, to the day before or to the day after.
    [[nodiscard]] std::optional<TicketKey> find(std::string_view name, std::int64_t day) const;

private:
    [[nodiscard]] TicketKey derive(std::int64_t day) const;

    const Secret secret_;
    mutable std::mutex mutex_;
    /// By day, at most four.
    mutable std::map<std::int64_t, TicketKey> keys_;
};

}  // namespace tulle::node
