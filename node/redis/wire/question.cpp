#include "node/redis/wire/question.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "node/redis/core/limits.hpp"
#include "proto/redis/v1/receivers.pb.h"

namespace tulle::node::redis {
namespace {

namespace wire = tulle::redis::v1;

/// Begins a question, so that no question of another protocol is taken for one of ours.
constexpr std::string_view kMark = "\x04redis ";
/// An upper bound for what a name costs in a message besides its bytes.
constexpr std::size_t kEntryBytes = 24;

template <class Message>
std::string serialized(const Message& message) {
    std::string text;
    // A message in memory has no required fields that could be missing.
    message.SerializeToString(&text);
    return text;
}

template <class Message>
bool parse(std::string_view text, Message& message) {
    return text.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()) &&
           message.ParseFromArray(text.data(), static_cast<int>(text.size()));
}

std::optional<Kind> kind_of(std::uint32_t number) {
    return number < kKinds ? std::optional(static_cast<Kind>(number)) : std::nullopt;
}

void add(Kind kind, std::string_view name, std::uint64_t count, wire::NameCount& out) {
    out.set_kind(static_cast<std::uint32_t>(kind));
    out.set_name(name.data(), name.size());
    out.set_count(count);
}

void add(const NameCount& count, wire::NameCount& out) {
    add(count.kind, count.name, count.count, out);
}

std::optional<NameCount> name_count_of(const wire::NameCount& message) {
    const std::optional<Kind> kind = kind_of(message.kind());
    if (!kind || message.name().size() > kMaxNameBytes) {
        return std::nullopt;
    }
    return NameCount{*kind, message.name(), message.count()};
}

wire::CountChange head_of(const CountChange& change) {
    wire::CountChange message;
    message.set_node(change.node.value);
    message.set_from(change.from);
    message.set_to(change.to);
    return message;
}

/// Takes in the entries of a message. False: an entry is wrong.
bool take_counts(const wire::CountChange& message, CountChange& out) {
    for (const wire::NameCount& entry : message.counts()) {
        std::optional<NameCount> count = name_count_of(entry);
        if (!count) {
            return false;
        }
        out.counts.push_back(std::move(*count));
    }
    return true;
}

}  // namespace

std::string encode(const Question& question) {
    wire::Question message;
    message.set_what(static_cast<std::uint32_t>(question.what));
    message.set_realm(question.realm);
    message.set_kind(static_cast<std::uint32_t>(question.kind));
    for (const std::string& name : question.names) {
        message.add_names(name);
    }
    message.set_pattern(question.pattern);
    message.set_is_all(question.is_all);
    message.set_wants_number(question.wants_number);
    return std::string(kMark) + serialized(message);
}

std::vector<Question> split(const Question& question, std::size_t max_bytes) {
    Question empty = question;
    empty.names.clear();
    std::vector<Question> questions{empty};
    const std::size_t head = encode(empty).size();
    std::size_t bytes = head;
    std::vector<std::string> names = question.names;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const std::string& name : names) {
        // A length of up to 16 KiB takes two bytes, and the field's tag one.
        const std::size_t cost = name.size() + 3;
        if (bytes + cost > max_bytes && !questions.back().names.empty()) {
            questions.push_back(empty);
            bytes = head;
        }
        bytes += cost;
        questions.back().names.push_back(name);
    }
    return questions;
}

std::optional<Question> decode_question(std::string_view text) {
    wire::Question message;
    if (!text.starts_with(kMark) || !parse(text.substr(kMark.size()), message)) {
        return std::nullopt;
    }
    const std::optional<Kind> kind = kind_of(message.kind());
    if (!kind || message.what() > static_cast<std::uint32_t>(Question::What::kTold) ||
        message.pattern().size() > kMaxPatternBytes) {
        return std::nullopt;
    }
    return Question{.what = static_cast<Question::What>(message.what()),
                    .realm = message.realm(),
                    .kind = *kind,
                    .names = {message.names().begin(), message.names().end()},
                    .pattern = message.pattern(),
                    .is_all = message.is_all(),
                    .wants_number = message.wants_number()};
}

std::vector<std::string> answer(const Question& question, const Receivers& receivers, std::size_t max_part) {
    const bool is_listing = question.what == Question::What::kNames;
    const std::optional<std::string_view> pattern =
        question.is_all ? std::nullopt : std::optional<std::string_view>(question.pattern);
    std::vector<std::string_view> names;
    if (is_listing) {
        names = receivers.names_here(question.kind, pattern, kMaxListedNames);
    } else {
        names.assign(question.names.begin(), question.names.end());
        // A name that is asked for twice must not be counted twice in the sum.
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
    }
    std::vector<std::string> parts;
    wire::Answer message;
    std::size_t bytes = 0;
    for (const std::string_view name : names) {
        const std::uint64_t count = is_listing ? 0 : receivers.here(question.kind, name);
        if (!is_listing && count == 0) {
            continue;
        }
        if (bytes + name.size() + kEntryBytes > max_part) {
            parts.push_back(serialized(message));
            message.Clear();
            bytes = 0;
        }
        bytes += name.size() + kEntryBytes;
        add(question.kind, name, count, *message.add_counts());
    }
    parts.push_back(serialized(message));
    return parts;
}

Answers sum(const std::vector<std::string>& parts) {
    std::vector<wire::Answer> messages(parts.size());
    std::size_t entries = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (!parse(parts[i], messages[i])) {
            messages[i].Clear();
        }
        entries += static_cast<std::size_t>(messages[i].counts_size());
    }
    Answers answers;
    answers.counts.reserve(entries);
    for (const wire::Answer& message : messages) {
        for (const wire::NameCount& entry : message.counts()) {
            // No node can hold more connections; a larger number is a peer's nonsense, and could overflow the sum.
            const std::uint64_t count =
                std::min<std::uint64_t>(entry.count(), std::numeric_limits<std::uint32_t>::max());
            answers.counts[entry.name()] += count;
        }
    }
    return answers;
}

std::string encode(const CountChange& change) {
    wire::CountChange message = head_of(change);
    for (const NameCount& count : change.counts) {
        add(count, *message.add_counts());
    }
    return serialized(message);
}

std::optional<CountChange> decode_count_change(std::string_view text) {
    wire::CountChange message;
    CountChange change;
    if (!parse(text, message) || message.from() > message.to() || !take_counts(message, change)) {
        return std::nullopt;
    }
    change.node = OriginId(message.node());
    change.from = message.from();
    change.to = message.to();
    return change;
}

std::vector<std::string> encode_told(const CountChange& all, std::size_t max_part) {
    std::vector<wire::CountChange> messages{head_of(all)};
    std::size_t bytes = kEntryBytes * 2;
    for (const NameCount& count : all.counts) {
        if (bytes + count.name.size() + kEntryBytes > max_part) {
            messages.push_back(head_of(all));
            bytes = kEntryBytes * 2;
        }
        bytes += count.name.size() + kEntryBytes;
        add(count, *messages.back().add_counts());
    }
    std::vector<std::string> parts;
    for (wire::CountChange& message : messages) {
        message.set_part(static_cast<std::uint32_t>(parts.size()));
        message.set_parts(static_cast<std::uint32_t>(messages.size()));
        parts.push_back(serialized(message));
    }
    return parts;
}

std::vector<CountChange> decode_told(const std::vector<std::string>& parts) {
    struct Gathered {
        CountChange all;
        std::uint32_t seen = 0;
        std::uint32_t parts = 0;
        bool is_wrong = false;
    };
    std::map<std::uint64_t, Gathered> nodes;
    for (const std::string& part : parts) {
        wire::CountChange message;
        // A port with nothing to say answers with an empty part.
        if (part.empty() || !parse(part, message) || message.parts() == 0) {
            continue;
        }
        Gathered& node = nodes[message.node()];
        const bool is_first = node.parts == 0;
        node.is_wrong = node.is_wrong || message.from() != 0 || !take_counts(message, node.all) ||
                        (!is_first && (message.parts() != node.parts || message.to() != node.all.to));
        node.all.node = OriginId(message.node());
        node.all.to = message.to();
        node.parts = message.parts();
        ++node.seen;
    }
    std::vector<CountChange> complete;
    for (auto& [oid, node] : nodes) {
        if (!node.is_wrong && node.seen == node.parts) {
            complete.push_back(std::move(node.all));
        }
    }
    return complete;
}

}  // namespace tulle::node::redis
