"""The productions of statements. See `grammar`."""

STATEMENTS: list[str] = [
    *(
        "$new_int = $int",
        "$new_float = $float",
        "$new_str = $str",
        "$new_list = $list",
        "$new_words = $words",
        "$new_dict = $dict",
    ),
    *(
        "$new_set = $set",
        "$new_bytes = $bytes",
        "$new_tuple = $tuple",
        "$new_bool = $bool",
        "$new_int, $new_str = $tuple",
    ),
    *(
        "print($int, $str)",
        "print($float)",
        "print($list, $words, sep='|')",
        "print($dict)",
        "print($str, end='')",
        "print(*$words)",
        "print(repr($str), $bytes)",
    ),
    *(
        "print('{} {}'.format(len($words), $bool))",
        "print($tuple, $bool, file=None)",
        "print(sorted($set), flush=True)",
        "print(json.dumps($dict))",
    ),
    *(
        "$old_int += $int",
        "$old_int -= $small",
        "$old_int //= $int",
        "$old_str += $str[:3]",
        "$old_list += [$int]",
        "$old_list.append($int)",
        "$old_words.append($str)",
    ),
    *(
        "$old_list.sort()",
        "$old_list.reverse()",
        "$old_list.extend($list[:3])",
        "$old_list.insert($small, $int)",
        "$old_list.remove($int)",
        "print($old_list.pop($small))",
    ),
    *(
        "del $old_list[$small]",
        "del $old_dict[$str]",
        "$old_dict[$str] = $int",
        "$old_dict.update($dict)",
        "print($old_dict.pop($str, None))",
        "print($old_dict.setdefault($str, $int))",
    ),
    *(
        "$old_list[$small] = $int",
        "$old_list[$small:2] = $list[:3]",
        "$old_set = $old_set | {$int}",
        "$old_words.sort(key=len)",
        "print($old_dict.popitem())",
        "$old_bytes += $bytes[:2]",
    ),
    *(
        "assert $bool, $str",
        "assert $int $compare $int",
        "raise $raised($str)",
        "raise $error($int, $str)",
        "$new_int, *$new_list = $list",
        "$new_str, $new_str2 = $words",
        "del $old_int",
    ),
    *(
        "print(next(x for x in $list if x > $int))",
        "$new_int = $new_int2 = $int",
        "print(($name := $int), $name + 1)",
        "pass",
        "for $name in []: print($int)",
    ),
    """
if $bool:
    $body
elif $int $compare $int:
    $body
else:
    $body
""",
    """
if $bool:
    $body
""",
    """
for $name in $list[:5]:
    if $name $compare $int:
        continue
    print($name)
    $body
else:
    print('done', $str)
""",
    """
for $name, $name2 in enumerate($words[:4], start=$small):
    if $name2 == $str:
        break
    $body
""",
    """
for $name, $name2 in sorted($dict.items()):
    print(f'{$name:>6}={$name2:03}')
""",
    """
for $name, $name2 in itertools.zip_longest($list[:4], $words[:4], fillvalue=None):
    print($name, $name2)
""",
    """
$name = $small
while $name > 0:
    $name -= 1
    $body
""",
    """
try:
    $body
except $error as $name:
    print(type($name).__name__, $name)
""",
    """
try:
    $body
    print($int)
except ($error, $error) as $name:
    print('caught', $name.args)
except Exception as $name:
    print('other', repr($name))
else:
    print('else')
finally:
    print('finally', $int)
""",
    """
try:
    $body
    raise $raised($str)
except $error as $name:
    raise $raised('again') from $name
""",
    """
try:
    try:
        $body
    finally:
        print('inner')
except Exception as $name:
    print(type($name).__name__, str($name), type($name.__context__).__name__, $name.__suppress_context__)
""",
    """
try:
    raise ExceptionGroup($str, [$raised($str), $raised($int), ExceptionGroup('in', [$raised('deep')])])
except* $error as $name:
    print('star', $name.exceptions)
except* $raised as $name:
    print('other', [str(one) for one in $name.exceptions])
""",
    """
match $int:
    case 0 | 1:
        print('small')
    case int() as $name if $name $compare $int:
        $body
    case _:
        print('none')
""",
    """
match $list:
    case []:
        print('empty')
    case [$name]:
        print('one', $name)
    case [$name, *$name2]:
        print($name, $name2)
""",
    """
match {'kind': $str, 'n': $int, **$dict}:
    case {'kind': 'a' | '', 'n': $name}:
        print('a', $name)
    case {'n': int($name), **$name2} if $name > 0:
        print($name, sorted($name2))
    case {}:
        print('any')
""",
    """
match $tuple:
    case (0, $name):
        print('zero', $name)
    case ($name, str()) if $bool:
        print($name)
    case tuple((a, b)):
        print(a, b)
""",
    """
with contextlib.suppress($error):
    $body
    print($int)
""",
    """
with contextlib.redirect_stdout(io.StringIO()) as $name:
    $body
print(len($name.getvalue()), $name.getvalue()[:20])
""",
    """
with decimal.localcontext() as $name:
    $name.prec = 2 + $small
    print(decimal.Decimal($int) / 7, decimal.Decimal('2.675').quantize(decimal.Decimal('.01')), decimal.Decimal($str))
""",
    """
$name = collections.defaultdict(list)
for $name2 in $words:
    $name[len($name2)].append($name2)
print(dict($name), sorted($name))
""",
    """
$name = collections.deque($list, maxlen=4)
$name.appendleft($int)
$name.rotate($small)
print($name, $name.popleft(), $name[$small])
""",
    """
$name = iter($list)
print(next($name), next($name, 'end'), list($name))
print(next($name))
""",
    """
$name = $list[:]
heapq.heapify($name)
print([heapq.heappop($name) for _ in range(min($small, 2))])
bisect.insort($name, $int)
print($name[:3])
""",
    """
print(json.loads($str))
""",
    """
try:
    print(json.loads('{"a": [1, 2.5, null, true], "b": ' + $str + '}'))
except json.JSONDecodeError as $name:
    print($name.msg, $name.pos, $name.lineno, $name.colno)
""",
    """
$name = re.search($pattern, $str)
print($name and ($name.group(), $name.span(), $name.groups(), $name.groupdict()))
""",
    """
$name = datetime.datetime(2023, 10, 28, 23, $small, tzinfo=datetime.timezone.utc)
print(($name + datetime.timedelta(hours=$int % 99, microseconds=$small)).isoformat(), $name.strftime('$date_format'))
print(datetime.datetime.strptime($str, '$date_format'))
""",
    """
$name = datetime.date.fromisoformat('2024-02-2$small')
print($name.weekday(), $name.toordinal(), $name - datetime.timedelta($int % 999), $name.timetuple()[:3])
""",
    """
print(decimal.Decimal($float), decimal.Decimal($int).sqrt(), fractions.Fraction($float).limit_denominator(9))
""",
    """
print(statistics.$spread($list), statistics.$spread([$int, $float, 2]))
""",
    """
print(math.$real($float), math.$real($int))
""",
    """
print(list(itertools.$pairwise($list[:4])))
""",
    """
$name = io.StringIO()
csv.writer($name).writerows([$words, $list])
print(repr($name.getvalue()))
""",
    """
$name = copy.deepcopy([$list, $dict])
$name[0].append($str)
print($name, $list is $list)
""",
]
