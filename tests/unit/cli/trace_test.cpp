#include <string>

#include <gtest/gtest.h>

#include "tools/cli/trace_table.hpp"

namespace tulle::cli::trace_test {
namespace {

constexpr const char* kAnswer = R"({"app":"app-id","channel":"news","n":5,"nodes":[
    {"name":"n1","oid":"01","state":"alive","fate":"origin","shards":2},
    {"name":"n2","oid":"02","state":"alive","fate":"got","path":"direct","shards":1,"reported_us":355,"received_us":211,
     "clock_error_us":162},
    {"name":"n3","oid":"03","state":"alive","fate":"got","path":"relayed","via":"n2","shards":1,"reported_us":900},
    {"name":"n4","oid":"04","state":"alive","fate":"no-subscriber"},
    {"name":"n5","oid":"05","state":"dead","fate":"no-session"}]})";

TEST(CliTrace, ShowsWhoGotItWhenAndHow) {
    const auto rows = parse_trace(kAnswer);
    ASSERT_TRUE(rows.has_value());
    EXPECT_EQ(
        trace_table(*rows),
        "NODE  RESULT                                   PATH           RECEIVED      REPORTED  SHARDS\n"
        "n1    sent it                                  -              -             -         2\n"
        "n2    got it                                   direct         211us ±162us  355us     1\n"
        "n3    got it                                   relayed by n2  -             900us     1\n"
        "n4    no interest: nobody there is subscribed  -              -             -         -\n"
        "n5    not sent: no session (dead)              -              -             -         -\n"
        "Times count from the sending. RECEIVED: by the receiver's clock, compared with the sender's by heartbeats.\n"
        "REPORTED: until the receiver's report was back. SHARDS: of that node, with subscribers of the channel.\n");
    EXPECT_TRUE(is_complete(*rows));
}

TEST(CliTrace, IsIncompleteWhenSomebodyOwesAReport) {
    for (const char* fate : {"no-report", "interest-unknown"}) {
        const auto rows =
            parse_trace(R"({"nodes":[{"name":"n1","state":"alive","fate":")" + std::string(fate) + "\"}]}");
        ASSERT_TRUE(rows.has_value());
        EXPECT_FALSE(is_complete(*rows)) << fate;
    }
    EXPECT_FALSE(is_complete(*parse_trace(R"({"nodes":[{"name":"n1","state":"joining","fate":"no-session"}]})")));
}

TEST(CliTrace, TellsTheOtherPaths) {
    const auto path = [](const std::string& fields) {
        return trace_table(*parse_trace(R"({"nodes":[{"name":"n1","fate":"got",)" + fields + "}]}"));
    };
    EXPECT_NE(path(R"("path":"repaired")").find("  repaired  "), std::string::npos);
    EXPECT_NE(path(R"("path":"repaired","via":"n3")").find("repaired, relayed by n3"), std::string::npos);
    EXPECT_NE(path(R"("path":"filled-in","via":"n3")").find("filled in by n3"), std::string::npos);
    EXPECT_NE(path(R"("path":"filled-in")").find("held beyond a hole"), std::string::npos);
}

TEST(CliTrace, RefusesWhatIsNoTrace) {
    for (const char* text : {"", "[]", "{}", R"({"nodes":[]})", R"({"nodes":[1]})"}) {
        EXPECT_TRUE(parse_trace(text).has_error()) << text;
    }
}

}  // namespace
}  // namespace tulle::cli::trace_test
