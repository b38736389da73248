#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mesh/base/event_body.hpp"

namespace tulle::node::pusher {

/// The frame of a channel event is kEventFrameHead, the channel, kEventFrameName, and the pieces of an EventTail in
/// order. A valid channel name needs no escapes; of a user's own channel, escaped_name stands for the name.
inline constexpr std::string_view kEventFrameHead = "{\"channel\":\"";
inline constexpr std::string_view kEventFrameName = "\",\"event\":\"";
[[nodiscard]] std::string escaped_name(std::string_view channel);

/// What a frame says of an event behind its channel, in pieces that are copied once, into the frame.
///
/// JSON data stand there as their publisher wrote them. Bytes that came by another protocol are a string: their text if
/// they are UTF-8, else their base64, and then the frame has a member "encoding" with the value "base64". An event
/// without a name is called "message". Valid as long as the body.
class EventTail {
public:
    explicit EventTail(const EventBody& body);
    EventTail(const EventTail&) = delete;
    EventTail& operator=(const EventTail&) = delete;

    [[nodiscard]] std::string_view name() const { return name_; }          ///< without its quotes
    [[nodiscard]] std::string_view data_key() const { return data_key_; }  ///< begins with the quote that ends the name
    [[nodiscard]] std::string_view data() const { return data_; }
    [[nodiscard]] std::string_view user_key() const { return user_key_; }
    [[nodiscard]] std::string_view user() const { return user_; }
    [[nodiscard]] std::string_view end() const { return end_; }
    [[nodiscard]] std::size_t size() const {
        return name_.size() + data_key_.size() + data_.size() + user_key_.size() + user_.size() + end_.size();
    }

private:
    void take_bytes(const EventBody& body);

    std::string_view name_;
    std::string_view data_key_;
    std::string_view data_;
    std::string_view user_key_;
    std::string_view user_;
    std::string_view end_;
    std::string escaped_;  // the name, or a string made of bytes, where these do not stand in JSON as they are
    std::string made_;
};

/// The members of the event, from `,"event":` to the brace at the end, for a JSON object that begins otherwise.
[[nodiscard]] std::string event_members(const EventBody& body);
/// The whole frame. `channel` as in a frame.
[[nodiscard]] std::string event_frame(std::string_view channel, const EventBody& body);
/// The data as a JSON value; null when there are none.
[[nodiscard]] std::string event_data(const EventBody& body);

/// The name of an event as bodies bear it; `raw` is its JSON when `text` cannot hold it (half a surrogate pair), else
/// empty.
[[nodiscard]] std::string event_name(std::string_view text, std::string_view raw);

}  // namespace tulle::node::pusher
