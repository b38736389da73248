#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "mesh/base/assert.hpp"

namespace tulle {

/// The form of an event's data.
enum class DataKind : std::uint8_t {
    /// The text of a JSON value, passed on byte for byte. An empty text means: the event has no data.
    kJson,
    /// Any bytes.
    kBytes,
};

/// The content of a publish, independent of the protocol of arrival. Each edge makes frames of its own out of an
/// EventBody.
///
/// Cost: a shared EventBody takes two allocations at most, because name, data and sender are stored in one string.
class EventBody {
public:
    EventBody() = default;
    /// `name` is UTF-8, except half of a surrogate pair: JSON can name such a half, and the name stores the half as
    /// three bytes (WTF-8). `data` has the form given by `kind`; the edge accepting JSON from a client checks the JSON.
    /// `sender` is the JSON of the sending user's id; an empty text names no user.
    /// REQUIRES: `name` and `data` are shorter than 4 GiB (an assertion).
    EventBody(std::string_view name, std::string_view data, DataKind kind = DataKind::kJson,
              std::string_view sender = {})
        : name_bytes_(static_cast<std::uint32_t>(name.size())),
          data_bytes_(static_cast<std::uint32_t>(data.size())),
          kind_(kind) {
        TULLE_ASSERT(name.size() == name_bytes_ && data.size() == data_bytes_);
        bytes_.reserve(name.size() + data.size() + sender.size());
        bytes_.append(name).append(data).append(sender);
    }

    /// Views of the three parts, valid as long as the EventBody.
    [[nodiscard]] std::string_view name() const { return std::string_view(bytes_).substr(0, name_bytes_); }
    [[nodiscard]] std::string_view data() const { return std::string_view(bytes_).substr(name_bytes_, data_bytes_); }
    [[nodiscard]] std::string_view sender() const {
        return std::string_view(bytes_).substr(name_bytes_ + std::size_t{data_bytes_});
    }
    [[nodiscard]] DataKind kind() const { return kind_; }
    /// The bytes of name, data and sender together.
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    friend bool operator==(const EventBody&, const EventBody&) = default;

private:
    /// Name, data and sender, one after another.
    std::string bytes_;
    std::uint32_t name_bytes_ = 0;
    std::uint32_t data_bytes_ = 0;
    DataKind kind_ = DataKind::kJson;
};

/// An immutable body, made once at ingress and shared by the record ring, the links and the shards. Any thread.
using SharedBody = std::shared_ptr<const EventBody>;

/// Moves the body into shared ownership, without a copy of the bytes.
[[nodiscard]] inline SharedBody share(EventBody body) {
    return std::make_shared<const EventBody>(std::move(body));
}

}  // namespace tulle
