#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tulle::node::redis {

/// The version of the protocol that a client has chosen by HELLO; at first RESP2.
enum class Resp : std::uint8_t { k2 = 2, k3 = 3 };

/// Appends replies to a string, in RESP2 or RESP3. Where RESP2 lacks a type, the writer takes the type that Redis
/// takes.
///
/// An array, map, set or push announces its elements only; the caller appends exactly so many.
///
/// Thread: none of its own; the owner's.
/// Limits: none. Nothing is allocated but the growth of the string.
/// Errors: none.
class RespWriter {
public:
    /// `out` must outlive the writer, and so must `errors`, which counts the errors unless it is null.
    RespWriter(std::string& out, Resp version, std::uint64_t* errors = nullptr)
        : out_(out), version_(version), errors_(errors) {}

    /// A status such as "OK". CR and LF become spaces, because the end of the line is the end of the reply.
    void simple(std::string_view text);
    /// An error; `text` begins with its code, as in "ERR syntax error". CR and LF become spaces, as in Redis.
    void error(std::string_view text);
    void integer(std::int64_t number);
    /// Any bytes.
    void bulk(std::string_view bytes);
    /// No value in place of a bulk string.
    void null();
    /// No value in place of an array. RESP3 has a single null.
    void null_array();
    void array(std::size_t elements);
    /// `pairs` keys, each followed by its value. RESP2: an array of twice as many elements.
    void map(std::size_t pairs);
    /// RESP2: an array.
    void set(std::size_t elements);
    /// What the client has not asked for, such as a message. RESP2: an array.
    void push(std::size_t elements);
    /// Text for people, such as that of INFO. RESP2: a bulk string.
    void verbatim_text(std::string_view bytes);

    /// Replies that another writer of the same version has made.
    void append(std::string_view replies) { out_.append(replies); }

    [[nodiscard]] Resp version() const { return version_; }
    /// The replies from here on are of this version.
    void set_version(Resp version) { version_ = version; }

private:
    std::string& out_;
    Resp version_;
    std::uint64_t* errors_;
};

}  // namespace tulle::node::redis
