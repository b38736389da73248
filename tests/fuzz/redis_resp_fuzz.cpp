// The commands of a client of the Redis protocol, and the patterns of its subscriptions. The first byte says how large
// the pieces are in which the bytes come, and whether the client has authenticated.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"
#include "node/redis/core/glob.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/wire/resp_reader.hpp"
#include "node/redis/wire/resp_writer.hpp"

namespace {

using tulle::node::redis::ReadResult;
using tulle::node::redis::Resp;
using tulle::node::redis::RespReader;
using tulle::node::redis::RespWriter;

using Command = std::vector<std::string>;

/// What the bytes of a connection are read as.
struct Reading {
    std::vector<Command> commands;
    std::size_t consumed = 0;
    bool is_broken = false;
    std::string error;

    friend bool operator==(const Reading&, const Reading&) = default;
};

void check_limits(const RespReader& reader, std::size_t size) {
    TULLE_ASSERT(!reader.arguments().empty() && reader.arguments().size() <= tulle::node::redis::kMaxArguments);
    TULLE_ASSERT(size <= tulle::node::redis::kMaxCommandBytes);
    for (const std::string_view argument : reader.arguments()) {
        TULLE_ASSERT(argument.size() <= size && argument.size() <= tulle::node::redis::kMaxBulkBytes);
    }
}

/// Reads the commands that are whole, and drops them from the front of the buffer.
ReadResult read_all(RespReader& reader, std::string& buffer, Reading& reading) {
    while (true) {
        const ReadResult result = reader.read(buffer);
        if (result != ReadResult::kCommand && result != ReadResult::kNothing) {
            return result;
        }
        Command command(reader.arguments().begin(), reader.arguments().end());
        if (result == ReadResult::kCommand) {
            check_limits(reader, buffer.size());
            reading.commands.push_back(std::move(command));
        }
        const std::size_t size = reader.consume();
        TULLE_ASSERT(size > 0 && size <= buffer.size());
        reading.consumed += size;
        buffer.erase(0, size);
    }
}

Reading feed(std::string_view bytes, std::size_t piece, bool is_authenticated) {
    RespReader reader;
    reader.set_authenticated(is_authenticated);
    Reading reading;
    std::string buffer;
    while (!bytes.empty() && !reading.is_broken) {
        const std::string_view come = bytes.substr(0, piece);
        bytes.remove_prefix(come.size());
        // The buffer moves whenever bytes come, so a pointer that the reader has kept is found by AddressSanitizer.
        buffer = std::string(buffer).append(come);
        if (read_all(reader, buffer, reading) == ReadResult::kBroken) {
            reading.is_broken = true;
            reading.error = reader.error();
            TULLE_ASSERT(reading.error.find_first_of("\r\n") == std::string::npos);
        }
    }
    return reading;
}

/// What the writer writes is read as it was.
void write_and_read(const std::vector<Command>& commands) {
    std::string bytes;
    RespWriter writer(bytes, Resp::k3);
    for (const Command& command : commands) {
        writer.array(command.size());
        for (const std::string& argument : command) {
            writer.bulk(argument);
        }
    }
    const Reading reading = feed(bytes, std::max<std::size_t>(1, bytes.size()), true);
    TULLE_ASSERT(!reading.is_broken && reading.commands == commands && reading.consumed == bytes.size());
}

/// An error or a status is one line, whatever a client has made it say.
void write_lines(std::string_view text) {
    std::string out;
    RespWriter writer(out, Resp::k2);
    writer.error(text);
    writer.simple(text);
    TULLE_ASSERT(out.size() == 2 * (text.size() + 3) && std::count(out.begin(), out.end(), '\n') == 2);
}

/// Stars at either end let a pattern match more, never less; and a text with every byte escaped matches itself alone.
void match(std::string_view pattern, std::string_view text) {
    static_cast<void>(tulle::node::redis::is_allowed_pattern(pattern));
    const bool is_match = tulle::node::redis::glob_matches(pattern, text);
    TULLE_ASSERT(!is_match || text.empty() || tulle::node::redis::glob_matches("*" + std::string(pattern), text));
    std::string escaped;
    for (const char byte : text) {
        escaped.append({'\\', byte});
    }
    TULLE_ASSERT(tulle::node::redis::glob_matches(escaped, text));
    TULLE_ASSERT(!tulle::node::redis::glob_matches(escaped, std::string(text) + 'x'));
    TULLE_ASSERT(tulle::node::redis::glob_matches(escaped + "*", std::string(text) + 'x'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t piece = (data[0] & 0x7FU) + std::size_t{1};
    const bool is_authenticated = (data[0] & 0x80U) != 0;
    const Reading whole = feed(bytes, std::max<std::size_t>(1, bytes.size()), is_authenticated);
    TULLE_ASSERT(feed(bytes, piece + bytes.size() / 4096, is_authenticated) == whole);
    // Byte by byte, unless the moves of the buffer would take too long.
    TULLE_ASSERT(feed(bytes, 1 + bytes.size() / 4096, is_authenticated) == whole);
    write_and_read(whole.commands);
    write_lines(bytes.substr(0, 1000));
    // Longer texts would cost their square, and a pattern is not longer.
    const std::string_view halves = bytes.substr(0, 2 * tulle::node::redis::kMaxPatternBytes);
    const std::size_t middle = std::min<std::size_t>(halves.size(), halves.size() * piece / 128);
    match(halves.substr(0, middle), halves.substr(middle));
    return 0;
}
