#include "node/redis/wire/resp_writer.hpp"

#include <array>
#include <charconv>

namespace tulle::node::redis {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

/// Appends a line of a type and a number. `number` is of any type of integers.
template <typename Number>
void append_line(std::string& out, char type, Number number) {
    std::array<char, 24> line{};
    line[0] = type;
    // An integer of 64 bits has at most 20 characters.
    char* end = std::to_chars(line.data() + 1, line.data() + line.size() - kLineEnd.size(), number).ptr;
    *end++ = '\r';
    *end++ = '\n';
    out.append(line.data(), end);
}

void append_text_line(std::string& out, char type, std::string_view text) {
    out += type;
    for (const char byte : text) {
        out += byte == '\r' || byte == '\n' ? ' ' : byte;
    }
    out += kLineEnd;
}

void append_bulk(std::string& out, std::string_view bytes) {
    append_line(out, '$', bytes.size());
    out.append(bytes).append(kLineEnd);
}

}  // namespace

void RespWriter::simple(std::string_view text) {
    append_text_line(out_, '+', text);
}

void RespWriter::error(std::string_view text) {
    if (errors_ != nullptr) {
        ++*errors_;
    }
    append_text_line(out_, '-', text);
}

void RespWriter::integer(std::int64_t number) {
    append_line(out_, ':', number);
}

void RespWriter::bulk(std::string_view bytes) {
    append_bulk(out_, bytes);
}

void RespWriter::null() {
    out_ += version_ == Resp::k3 ? "_\r\n" : "$-1\r\n";
}

void RespWriter::null_array() {
    out_ += version_ == Resp::k3 ? "_\r\n" : "*-1\r\n";
}

void RespWriter::array(std::size_t elements) {
    append_line(out_, '*', elements);
}

void RespWriter::map(std::size_t pairs) {
    version_ == Resp::k3 ? append_line(out_, '%', pairs) : array(2 * pairs);
}

void RespWriter::set(std::size_t elements) {
    append_line(out_, version_ == Resp::k3 ? '~' : '*', elements);
}

void RespWriter::push(std::size_t elements) {
    append_line(out_, version_ == Resp::k3 ? '>' : '*', elements);
}

void RespWriter::verbatim_text(std::string_view bytes) {
    if (version_ == Resp::k2) {
        append_bulk(out_, bytes);
        return;
    }
    constexpr std::string_view kFormat = "txt:";
    append_line(out_, '=', kFormat.size() + bytes.size());
    out_.append(kFormat).append(bytes).append(kLineEnd);
}

}  // namespace tulle::node::redis
