#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::node::redis {

enum class ReadResult : std::uint8_t {
    /// A part of the command is still to come.
    kIncomplete,
    /// A command is whole: arguments() has it, with at least one argument.
    kCommand,
    /// An empty line, or an array of no or fewer arguments: to be consumed, and not to be answered.
    kNothing,
    /// The bytes are no command, or break a limit. error() says what to answer before the connection is closed.
    kBroken
};

/// Reads the commands of a client, as arrays of bulk strings or as inline commands, out of a buffer that belongs to the
/// caller. The reader keeps offsets, never pointers, so the buffer may move between two calls.
///
///     while ((result = reader.read(received)) == kCommand || result == kNothing) {
///         if (result == kCommand) run(reader.arguments());
///         received.remove_prefix(reader.consume());
///     }
///
/// Each byte is looked at once, however many reads a command needs: a command costs its bytes and its arguments.
///
/// Thread: none of its own; the owner's.
/// Limits: kMaxArguments, kMaxBulkBytes, kMaxCommandBytes and kMaxInlineBytes; before AUTH kMaxUnauthenticatedArguments
///         and kMaxUnauthenticatedBulkBytes, which, as in Redis, do not concern inline commands. Memory grows with the
///         arguments that have come, not with the number that was announced.
/// Errors: kBroken with Redis' own text. The reader stays broken.
class RespReader {
public:
    /// Goes on with the command at the beginning of `bytes`, which are all bytes received and not consumed yet.
    /// REQUIRES: a command or a nothing has been consumed; until then `bytes` begin with the bytes of the last read.
    [[nodiscard]] ReadResult read(std::string_view bytes);

    /// The arguments of the command, the name first. Views into the bytes of the last read() or, of an inline command,
    /// into memory of the reader; valid until consume() or until the bytes are moved. REQUIRES: kCommand was returned.
    [[nodiscard]] std::span<const std::string_view> arguments() const { return arguments_; }
    /// Ends the command, and returns the number of its bytes, which the caller drops from the front. The next read()
    /// begins with a new command. REQUIRES: kCommand or kNothing was returned.
    [[nodiscard]] std::size_t consume();
    /// What to answer, without the leading "-" and the end of the line. Empty: nothing, because the client is a browser
    /// that was made to send a request of HTTP; the connection is closed without a word. REQUIRES: kBroken was
    /// returned.
    [[nodiscard]] std::string_view error() const { return error_; }

    /// Which limits apply to what read() has not seen yet. At first the limits before AUTH.
    void set_authenticated(bool is_authenticated) { is_authenticated_ = is_authenticated; }

private:
    /// An argument, as a place in the bytes of the command or, of an inline command, in `unquoted_`.
    struct Slice {
        std::size_t begin = 0;
        std::size_t size = 0;
    };

    [[nodiscard]] ReadResult read_array(std::string_view bytes);
    [[nodiscard]] ReadResult read_inline(std::string_view bytes);
    /// Reads the line "*NUMBER" at the beginning. Nothing: the arguments follow; else what read() returns.
    [[nodiscard]] std::optional<ReadResult> read_count(std::string_view bytes);
    /// Reads the line "$NUMBER" of the next argument. Nothing: the argument follows; else what read() returns.
    [[nodiscard]] std::optional<ReadResult> read_size(std::string_view bytes);
    /// Splits the line of an inline command into slices of `unquoted_`. False: the quotes are wrong.
    [[nodiscard]] bool split(std::string_view line);
    /// Makes the views of the arguments, which are all in `text`.
    [[nodiscard]] ReadResult finish(std::string_view text);
    /// The offset of `end` in the line that begins at `position_`. Nothing: the end has not come; the next search goes
    /// on behind the bytes of this search.
    [[nodiscard]] std::optional<std::size_t> find_end(std::string_view bytes, char end);
    /// Whether the line at `position_` is longer than kMaxInlineBytes; `end` is what find_end() has found.
    [[nodiscard]] bool is_too_long(std::string_view bytes, std::optional<std::size_t> end) const;
    /// Goes on with the bytes at `offset`.
    void go_to(std::size_t offset);
    [[nodiscard]] ReadResult broken(std::string_view what);

    /// What the last read returned.
    ReadResult state_ = ReadResult::kIncomplete;
    bool is_authenticated_ = false;
    /// The size of the argument at `position_`, when its line has been read.
    std::optional<std::size_t> bulk_;
    /// Arguments that are still to come; nothing before the first line has been read.
    std::optional<std::size_t> missing_;
    /// Where the line or the argument begins that is being read; in the end, the size of the command.
    std::size_t position_ = 0;
    /// Where the search for the end of the line goes on.
    std::size_t searched_ = 0;
    std::vector<Slice> slices_;
    std::vector<std::string_view> arguments_;
    /// The arguments of an inline command, one behind the other.
    std::string unquoted_;
    std::string error_;
};

}  // namespace tulle::node::redis
