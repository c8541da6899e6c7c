"""The Terraform module without its provider: every resource as a local value, which `terraform console` can evaluate offline.

Reads the module's directory from the first argument and writes one file of Terraform to stdout. Where the provider would tell an attribute
(an ARN, a URL), a name made of the resource's own stands for it. Nested blocks are lists of objects, dynamic ones included.
"""
import pathlib
import re
import sys

import hcl2

TOLD = ("arn", "id", "name", "url", "json", "output_path", "output_base64sha256", "function_url", "account_id", "partition")


def label(text):
    return text.strip('"')


def expression(value):
    """Terraform's text of what the parser gives: strings have their quotes, and expressions are in ${}."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ", ".join(expression(one) for one in value) + "]"
    if isinstance(value, dict):
        return body(value)
    if value.startswith('"'):
        return value
    return value[2:-1] if value.startswith("${") else value


def body(block):
    """An object of a block's attributes and blocks."""
    parts = {}
    for name, value in block.items():
        if name.startswith("__") or name in ("for_each", "depends_on", "dynamic", "lifecycle"):
            continue
        parts.setdefault(label(name), []).append(expression(value))
    for dynamic in block.get("dynamic", []):
        for quoted, repeated in dynamic.items():
            name = label(quoted)
            if name.startswith("__"):
                continue
            content = body(repeated["content"][0])
            content = re.sub(rf"(?<![\w.]){name}\.(key|value)\b", rf"{name}_\1", content)
            each = expression(repeated["for_each"])
            parts.setdefault(name, []).append(f"[for {name}_key, {name}_value in {each} : {content}]")
    fields = [f"{quoted_key(name)} = {texts[0] if len(texts) == 1 else 'concat(' + ', '.join(texts) + ')'}" for name, texts in parts.items()]
    return "{\n" + "\n".join(fields) + "\n}"


def quoted_key(name):
    return name if re.fullmatch(r"[A-Za-z_][\w-]*", name) else f'"{name}"'


def resource(kind, address, block):
    told = "{" + ", ".join(f'{name} = "~{address}{"" if "for_each" not in block else "/${each.key}"}~"' for name in TOLD) + "}"
    value = f"merge({told}, {body(block)})"
    if "for_each" in block:
        value = f"{{ for each_key, each_value in {expression(block['for_each'])} : each_key => {value} }}"
        value = re.sub(r"(?<![\w.])each\.(key|value)\b", r"each_\1", value)
    return f"{local_name(address)} = {value}"


def local_name(address):
    return "is_" + address.replace(".", "__")


def main(directory):
    out, locals_, names = [], [], []
    for path in sorted(pathlib.Path(directory).glob("*.tf")):
        parsed = hcl2.loads(path.read_text())
        for variable in parsed.get("variable", []):
            for name, block in variable.items():
                checks = "".join(f"validation {body(check)[0:]}\n" for check in block.get("validation", []))
                fields = "".join(f"{key} = {expression(block[key])}\n" for key in ("type", "default") if key in block)
                out.append(f"variable {name} {{\n{fields}{checks}}}")
        for block in parsed.get("locals", []):
            locals_ += [f"{name} = {expression(value)}" for name, value in block.items() if not name.startswith("__")]
        for kind in ("resource", "data"):
            for typed in parsed.get(kind, []):
                for quoted, named in typed.items():
                    for name, block in named.items():
                        address = ("data." if kind == "data" else "") + f"{label(quoted)}.{label(name)}"
                        names.append(address)
                        locals_.append(resource(kind, address, block))
    text = "\n".join(locals_)
    text = re.sub(r'(?<![\w."~])((?:data\.)?(?:aws|archive)_\w+\.\w+)', lambda match: "local." + local_name(match[1]), text)
    everything = ", ".join(f'"{name}" = local.{local_name(name)}' for name in names)
    out.append(f"locals {{\n{text}\neverything = {{ {everything} }}\n}}")
    print("\n".join(out))


main(sys.argv[1])
