#pragma once

#include <cstdint>
#include <string>

#include "mesh/core/records/record.hpp"

namespace tulle::node::redis {

using mesh::Stamp;

/// A key's value and expiry: two registers, and of each the write with the latest stamp wins. So a DEL beats the EXPIRE
/// of a node that had not heard of the DEL, whichever is later, and yields to a later SET only.
///
/// Times are microseconds of the hybrid clock.
struct Cell {
    /// Empty when deleted.
    std::string value;
    bool is_deleted = false;
    /// When the value was written or deleted. No stamp: the cell stands for a change of the expiry alone.
    Stamp written;
    /// The stamps are kept until then after the value has been deleted or has expired, so that no older write comes
    /// back.
    std::uint64_t remembered_until_us = 0;
    /// 0: the value does not expire.
    std::uint64_t expires_us = 0;
    /// When the expiry was written.
    Stamp expiry_written;

    friend bool operator==(const Cell&, const Cell&) = default;
};

/// A cell with its key.
struct KeyedCell {
    /// The number of the database in one byte, then the name.
    std::string key;
    Cell cell;
};

/// FLUSHDB: everything in the database that was written up to the stamp is gone.
struct Flush {
    unsigned database = 0;
    Stamp at;
};

/// The key of a name in a database.
[[nodiscard]] inline std::string store_key(unsigned database, std::string_view name) {
    std::string key(1, static_cast<char>(database));
    key.append(name);
    return key;
}

}  // namespace tulle::node::redis
