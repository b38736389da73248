// Spans as a collector reads them.
#include "node/wire/otlp_json.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tulle::node::otlp_json_test {
namespace {

Span example() {
    Span span;
    span.context = *sampled_context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    span.parent = {1, 2, 3, 4, 5, 6, 7, 0xff};
    span.kind = Span::Kind::kConsumer;
    span.name = "deliver";
    span.begun_ns = 1'544'712'660'000'000'001;
    span.ended_ns = 1'544'712'661'000'000'000;
    span.attributes = {{"messaging.destination.name", std::string("a \"b\"")}, {"tulle.subscribers", std::int64_t{3}}};
    return span;
}

TEST(OtlpJson, HasTheFormOfTheSpecification) {
    EXPECT_EQ(otlp_json({example()}, "n1", "1.2.3"),
              R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"tulle"}},)"
              R"({"key":"service.instance.id","value":{"stringValue":"n1"}},)"
              R"({"key":"service.version","value":{"stringValue":"1.2.3"}}]},)"
              R"("scopeSpans":[{"scope":{"name":"tulle","version":"1.2.3"},"spans":[)"
              R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7",)"
              R"("parentSpanId":"01020304050607ff","name":"deliver","kind":5,)"
              R"("startTimeUnixNano":"1544712660000000001","endTimeUnixNano":"1544712661000000000",)"
              R"("attributes":[{"key":"messaging.destination.name","value":{"stringValue":"a \"b\""}},)"
              R"({"key":"tulle.subscribers","value":{"intValue":"3"}}]}]}]}]})");
}

TEST(OtlpJson, AFailedSpanSaysSo) {
    Span span = example();
    span.is_failed = true;
    EXPECT_NE(otlp_json({span}, "n1", "1").find(R"("status":{"code":2})"), std::string::npos);
    EXPECT_EQ(otlp_json({example()}, "n1", "1").find("status"), std::string::npos);
}

}  // namespace
}  // namespace tulle::node::otlp_json_test
