#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mesh/base/event_body.hpp"

namespace tulle::node::pusher {

/// The frame of a channel event is made of kEventFrameHead, the channel, kEventFrameName, and the pieces of an
/// EventTail in order. The name of a valid channel needs no escapes; for a user's own channel, escaped_name() stands in
/// place of the name.
inline constexpr std::string_view kEventFrameHead = "{\"channel\":\"";
inline constexpr std::string_view kEventFrameName = "\",\"event\":\"";
/// Between channel and kEventFrameName stands, for an event of a channel with history, kEventFrameId and the id of the
/// event (id_of()).
inline constexpr std::string_view kEventFrameId = "\",\"id\":\"";
/// The name as between the quotes of a JSON string.
[[nodiscard]] std::string escaped_name(std::string_view channel);

/// The part of an event's frame behind the channel, in pieces. Each piece is copied once, into the frame.
///
/// JSON data stand in the frame as the publisher wrote them. Bytes from another protocol become a string: the text of
/// the bytes if they are UTF-8, else base64, and then the frame has a member "encoding" with the value "base64". An
/// event without a name is called "message".
///
/// Thread: confined to its owner.
/// Ownership: the pieces are views into the body and into this object; the body must outlive the object. The object is
///            not copied, as its views point into its own strings.
class EventTail {
public:
    /// O(data) for bytes and for names with escapes; else O(name).
    explicit EventTail(const EventBody& body);
    EventTail(const EventTail&) = delete;
    EventTail& operator=(const EventTail&) = delete;

    /// Without quotes.
    [[nodiscard]] std::string_view name() const { return name_; }
    /// The quote after the name; then the key of the data, if there are data.
    [[nodiscard]] std::string_view data_key() const { return data_key_; }
    /// A JSON value; empty when the event has no data.
    [[nodiscard]] std::string_view data() const { return data_; }
    /// Empty when no user is named.
    [[nodiscard]] std::string_view user_key() const { return user_key_; }
    /// The JSON of a user's id; empty when the event has no sender.
    [[nodiscard]] std::string_view user() const { return user_; }
    /// The rest, up to the last brace.
    [[nodiscard]] std::string_view end() const { return end_; }
    /// Sum of all pieces, in bytes.
    [[nodiscard]] std::size_t size() const {
        return name_.size() + data_key_.size() + data_.size() + user_key_.size() + user_.size() + end_.size();
    }

private:
    /// Makes a JSON string of bytes.
    void take_bytes(const EventBody& body);

    std::string_view name_;
    std::string_view data_key_;
    std::string_view data_;
    std::string_view user_key_;
    std::string_view user_;
    std::string_view end_;
    /// The name, if the name needs escapes; `name_` then points here.
    std::string escaped_;
    /// The string made of bytes; `data_` then points here.
    std::string made_;
};

/// The members of the event, from `,"event":` to the brace at the end, for a JSON object with another beginning.
[[nodiscard]] std::string event_members(const EventBody& body);
/// The whole frame. `channel` is the name as it stands in a frame (escaped_name() for a user's own channel). `id`: of
/// an event of a channel with history; empty for others.
[[nodiscard]] std::string event_frame(std::string_view channel, const EventBody& body, std::string_view id = {});
/// The data as a JSON value; null when the event has no data.
[[nodiscard]] std::string event_data(const EventBody& body);

/// The name of an event as bodies bear the name. `text` is the name as parsed; `raw` is the JSON of the name when
/// `text` cannot hold it (half a surrogate pair), else empty.
[[nodiscard]] std::string event_name(std::string_view text, std::string_view raw);

}  // namespace tulle::node::pusher
