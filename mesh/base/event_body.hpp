#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle {

/// What the data of an event are.
enum class DataKind : std::uint8_t {
    kJson,   ///< the text of a JSON value, handed on byte for byte; empty: the event bears no data
    kBytes,  ///< any bytes
};

/// What a publish says, whatever protocol it came by: each edge makes its own frames of this.
///
/// A value of two allocations at most once it is shared: name, data and sender follow each other in one string.
class EventBody {
public:
    EventBody() = default;
    /// `name`: UTF-8, but half of a surrogate pair, which JSON can name, is its three bytes (WTF-8). `data`: of `kind`;
    /// whoever accepts JSON from a client has checked it. `sender`: JSON of the id of the user who sent it; empty: no
    /// user is named.
    /// REQUIRES: each is shorter than 4 GiB.
    EventBody(std::string_view name, std::string_view data, DataKind kind = DataKind::kJson,
              std::string_view sender = {})
        : name_bytes_(static_cast<std::uint32_t>(name.size())),
          data_bytes_(static_cast<std::uint32_t>(data.size())),
          kind_(kind) {
        TULLE_ASSERT(name.size() == name_bytes_ && data.size() == data_bytes_);
        bytes_.reserve(name.size() + data.size() + sender.size());
        bytes_.append(name).append(data).append(sender);
    }

    [[nodiscard]] std::string_view name() const { return std::string_view(bytes_).substr(0, name_bytes_); }
    [[nodiscard]] std::string_view data() const { return std::string_view(bytes_).substr(name_bytes_, data_bytes_); }
    [[nodiscard]] std::string_view sender() const {
        return std::string_view(bytes_).substr(name_bytes_ + std::size_t{data_bytes_});
    }
    [[nodiscard]] DataKind kind() const { return kind_; }
    /// Bytes of all three.
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    friend bool operator==(const EventBody&, const EventBody&) = default;

private:
    std::string bytes_;
    std::uint32_t name_bytes_ = 0;
    std::uint32_t data_bytes_ = 0;
    DataKind kind_ = DataKind::kJson;
};

/// Immutable, made once at ingress, shared by the ring, the links and the shards. Any thread.
using SharedBody = std::shared_ptr<const EventBody>;

[[nodiscard]] inline SharedBody share(EventBody body) {
    return std::make_shared<const EventBody>(std::move(body));
}

}  // namespace tulle
