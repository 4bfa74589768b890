import { named, type Syntax } from "./syntax.ts";

export const java: Syntax = {
  comments: ["line_comment", "block_comment"],
  declarations: {
    class_declaration: named("class"),
    record_declaration: named("class"),
    interface_declaration: named("interface"),
    annotation_type_declaration: named("interface"),
    enum_declaration: named("enum"),
    method_declaration: named("method"),
    constructor_declaration: named("method"),
    compact_constructor_declaration: named("method"),
  },
};
